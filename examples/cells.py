# %% [markdown]
# # Labels for single cells, when the reference lacks a type
#
# An atlas of cells has labels, a new sample has none, and types in the sample need not be in the
# atlas. A plan between all cells of both gives every cell a label, those of an unknown type
# too, and to pay for that sends cells of known types astray. A *partial* plan matches what is
# cheap to match: the knee of its price says how much that is, and cells that receive nothing
# stay unlabelled.
#
# The cells are 700 of the blood of a donor (peripheral mononuclear cells, 10x Genomics), with 50
# principal components of their expression, a map of these in the plane, and types by comparison
# with sorted cells. scanpy ships them (`pip install scanpy`).

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scanpy
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize
from sklearn.semi_supervised import LabelSpreading

import quot
from quot.estimators import TransportLabelPropagation

blood = scanpy.datasets.pbmc68k_reduced()
lineages = {"CD14+ Monocyte": "monocyte", "CD19+ B": "B", "CD56+ NK": "NK", "CD34+": "stem"}
types = np.array([
    "T" if name.startswith(("CD4+", "CD8+")) else lineages.get(name, "dendritic")
    for name in blood.obs["bulk_labels"]
])  # fmt: skip
X = normalize(blood.obsm["X_pca"].astype(float))  # distance by the angle between two cells
print({str(name): int((types == name).sum()) for name in np.unique(types)})

# %% [markdown]
# Half of the cells, at random, are the reference, the others the query. The reference lacks a type.


# %%
def split(missing, seed):
    """Indices of the reference, without a type, and of the query."""
    order = np.random.default_rng(seed).permutation(len(X))
    reference, query = order[: len(X) // 2], order[len(X) // 2 :]
    return reference[types[reference] != missing], query


reference, query = split("T", seed=0)
print(len(reference), "cells with labels, none of them T;", len(query), "without")

# %% [markdown]
# ## How much to match
#
# `mass_path` follows the cheapest plan from no mass to all. What the last unit costs rises slowly
# as long as there are cells of the same type to match, and fast beyond: that is the knee.

# %%
path = quot.mass_path(quot.Problem(quot.PointCost(X[reference], X[query])))
known = float(np.mean(types[query] != "T"))
print(f"knee at {path.knee():.2f}, and {known:.2f} of the query are of types in the reference")

# %% [markdown]
# ## Labels
#
# By all of the mass, and by what is up to the knee.

# %%
found = {}
for way, mass in {"all of the mass": None, "mass up to the knee": path.knee()}.items():
    model = TransportLabelPropagation(mass=mass)
    model.fit_domains(X[reference], X[query], types[reference])
    found[way] = model.transduction_
    named, is_known = model.transduction_ != "", types[query] != "T"
    right = model.transduction_ == types[query]
    print(f"{way}: {named[is_known].mean():.0%} of the known types labelled, ", end="")
    print(f"{right[named & is_known].mean():.0%} of these right; ", end="")
    print(f"{named[~is_known].mean():.0%} of the T cells labelled")

# %%
INK, FAINT = "#1f1f24", "#d3d5da"
COLORS = {
    "B": "#009e73", "NK": "#56b4e9", "T": "#b3007a",
    "dendritic": "#e69f00", "monocyte": "#0072b2", "stem": "#6b4c1e", "": "#a9acb3",
}  # fmt: skip
umap = blood.obsm["X_umap"]
figure, axes = plt.subplots(2, 2, figsize=(10.4, 8.8), layout="constrained")


def draw(ax, cells, labels, title, wrong):
    """Cells on the map in the colours of their labels; a red edge where these are wrong."""
    ax.scatter(*umap.T, s=9, color=FAINT, linewidths=0)
    ax.scatter(
        *umap[cells].T,
        s=26,
        c=[COLORS[label] for label in labels],
        edgecolors=["#c1121f" if is_wrong else "none" for is_wrong in wrong],
        linewidths=1.3,
    )
    ax.set_title(title, loc="left", color=INK)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_color(FAINT)


draw(axes[0, 0], reference, types[reference], "reference, with labels", np.zeros(len(reference)))
for name in np.unique(types):
    where = np.median(umap[types == name], axis=0)
    halo = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    text = name if name != "T" else "T: not in the reference"
    axes[0, 0].text(*where, text, ha="center", va="center", color=INK, bbox=halo)
quot.plot.path(path, axes[0, 1], of="lam")
axes[0, 1].axvline(known, color=INK, linewidth=1.0, linestyle=":")
axes[0, 1].annotate(
    "known types", (known, 0.06), xycoords=("data", "axes fraction"),
    xytext=(6, 0), textcoords="offset points", color=INK,
)  # fmt: skip
for ax, (way, labels) in zip(axes[1], found.items(), strict=True):
    draw(ax, query, labels, f"query, {way}", (labels != "") & (labels != types[query]))
axes[1, 1].text(
    0.02, 0.97, "grey: unlabelled\nred edge: wrong", transform=axes[1, 1].transAxes,
    va="top", color=INK,
)  # fmt: skip
picture = Path("demo-output", "cells.png")
picture.parent.mkdir(exist_ok=True)
figure.savefig(picture, dpi=100)
print("picture:", picture)

# %% [markdown]
# ## Measured
#
# Each type is missing in turn, in five random halves. A cell is judged rightly if it gets its
# type, or none where its type is missing. Beside both plans: the nearest cell of the
# reference; the same, but no label for cells further from it than 95 % of the cells of the
# reference are from their nearest; and scikit-learn's label spreading on seven neighbours.


# %%
def labels_by(reference, query):
    """The labels of each way, "" where there is none, and the knee."""
    Xs, ys, Xt = X[reference], types[reference], X[query]
    knee = quot.mass_path(quot.Problem(quot.PointCost(Xs, Xt)), count=1).knee()
    nearest = KNeighborsClassifier(1).fit(Xs, ys)
    apart = nearest.kneighbors(Xt)[0].ravel()
    usual = nearest.kneighbors(Xs, 2)[0][:, 1]
    names, at = np.unique(ys, return_inverse=True)
    spread = LabelSpreading(kernel="knn", n_neighbors=7)
    spread.fit(np.concatenate((Xs, Xt)), np.append(at, np.full(len(Xt), -1)))
    ways = {
        "knee": TransportLabelPropagation(mass=knee).fit_domains(Xs, Xt, ys).transduction_,
        "all mass": TransportLabelPropagation().fit_domains(Xs, Xt, ys).transduction_,
        "nearest": nearest.predict(Xt),
        "if near": np.where(apart > np.quantile(usual, 0.95), "", nearest.predict(Xt)),
        "spreading": names[spread.transduction_[len(Xs) :]],
    }
    return ways, knee


def judged(missing):
    """Of each way, over five halves: judged rightly; unlabelled of what is missing; and others."""
    rows = {}
    for seed in range(5):
        reference, query = split(missing, seed)
        truth = np.where(types[query] == missing, "", types[query])
        ways, knee = labels_by(reference, query)
        for way, labels in ways.items():
            new, named = truth == "", labels != ""
            row = (labels == truth).mean(), (~named[new]).mean(), named[~new].mean()
            rows.setdefault(way, []).append((*row, knee, (~new).mean()))
    return {way: 100.0 * np.mean(row, axis=0) for way, row in rows.items()}


table = {missing: judged(missing) for missing in ("B", "monocyte", "dendritic", "T", "NK")}
ways = list(table["T"])
print("judged rightly, per cent" + "".join(f"{way:>12}" for way in ways))
for missing, rows in table.items():
    print(f"{'without ' + missing:24}" + "".join(f"{rows[way][0]:12.1f}" for way in ways))

# %%
print(f"{'per cent':16}{'unlabelled of it':>26}{'of others labelled':>26}")
print(f"{'':16}" + f"{'knee':>13}{'if near':>13}" * 2 + f"{'knee at':>13}{'known':>10}")
for missing, rows in table.items():
    cells = [rows[way][k] for k in (1, 2) for way in ("knee", "if near")]
    line = "".join(f"{cell:13.1f}" for cell in cells)
    print(f"{'without ' + missing:16}{line}{rows['knee'][3]:13.1f}{rows['knee'][4]:10.1f}")
