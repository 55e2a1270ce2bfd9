"""Configuration of the documentation build."""

import logging
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "quot"
author = "The quot developers"
copyright = "2026, The quot developers"
version = release = installed_version("quot")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "enlarge",
    "mathml",
    "offline",
]
exclude_patterns = ["_build", "gallery/**/*.ipynb", "gallery/**/*.py"]
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

# Formulas are MathML, made here: pages need no script and no network to show them.
html_math_renderer = "mathml"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# sphinx-gallery lets everybody log what they like.
logging.getLogger("quot").setLevel(logging.WARNING)
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": False,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "show_signature": False,
    "capture_repr": (),
    "reset_modules": ("matplotlib", "strict.warnings_are_errors"),
    "reset_modules_order": "both",
}

html_theme = "furo"
html_title = "quot"
html_static_path = ["_static"]
html_css_files = ["quot.css"]
html_show_sourcelink = False
html_copy_source = False
