"""Pictures that open in full size where one touches them, as on a phone."""

from docutils import nodes
from sphinx.application import Sphinx


def link_pictures(app: Sphinx, page: nodes.document, name: str) -> None:
    """Make each picture a link to itself, but for those of the gallery, which lead to its pages."""
    if app.builder.format != "html" or name.startswith("gallery/"):
        return
    root = "../" * name.count("/") + app.builder.imagedir
    for picture in list(page.findall(nodes.image)):
        if picture["uri"] in app.env.images and not isinstance(picture.parent, nodes.reference):
            _, file = app.env.images[picture["uri"]]
            link = nodes.reference(
                "", "", picture.deepcopy(), refuri=f"{root}/{file}", internal=True
            )
            picture.parent.replace(picture, link)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", link_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
