"""Configuration of the documentation build."""

from importlib.metadata import version as installed_version

project = "quot"
author = "The quot developers"
copyright = "2026, The quot developers"
version = release = installed_version("quot")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

# Types and shapes stand in the docstrings, in words, where the reader needs them.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "alpha"
bibtex_reference_style = "author_year"

html_theme = "alabaster"
html_theme_options = {
    "description": "Sparse, partial, quadratically regularised optimal transport",
    "fixed_sidebar": True,
}
html_show_sourcelink = False
