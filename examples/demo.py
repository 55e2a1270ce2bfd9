"""Recolour one photograph by another: the first thing to see of quot (`make demo`).

The photographs, china.jpg and flower.jpg, ship inside scikit-learn.
"""

import time
from pathlib import Path

from sklearn.datasets import load_sample_image

import quot
from quot.applications.picture import draw_recoloring

OUTPUT = Path("demo-output")


def main() -> None:
    china, flower = load_sample_image("china.jpg"), load_sample_image("flower.jpg")
    began = time.perf_counter()
    first = quot.recolor(china, flower)
    first_seconds = first.palette_seconds + first.result.seconds
    again = quot.recolor(china, flower, mass=first.map.knee)
    OUTPUT.mkdir(exist_ok=True)
    photograph, picture = OUTPUT / "china-as-flower.png", OUTPUT / "plan.png"
    first.save(photograph)
    draw_recoloring(first, picture)
    plan, certificate = first.result.plan, first.result.certificate
    n, m = plan.shape
    print(f"china.jpg in the colours of flower.jpg, {n} and {m} colours")
    print(
        f"  plan        {plan.nnz} of {n * m} pairs carry mass: {100 * plan.sparsity:.2f} % zeros"
    )
    print(f"  mass        {plan.total:.12g}, the knee of the price")
    print(f"  value       {first.result.value:.10g}")
    print(
        f"  gap         {certificate.gap:.1e}, relative {certificate.relative_gap:.1e}, all pairs"
    )
    print(f"  seconds     {first_seconds:.3f} for palettes, knee and plan, compilation included")
    print(f"              {again.result.seconds:.3f} for the plan the second time")
    print(f"              {time.perf_counter() - began:.1f} in all, palettes and painting twice")
    print(f"  photograph  {photograph}")
    print(f"  picture     {picture}")


if __name__ == "__main__":
    main()
