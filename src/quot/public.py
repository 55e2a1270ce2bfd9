"""All that is public, each from where it lives; imported as soon as anything of it is asked for."""

from importlib.metadata import version as _version

from quot import adaptive as adaptive
from quot import graphs as graphs
from quot.adaptive.affinities import Affinities as Affinities
from quot.api import affinities as affinities
from quot.api import approximate_partial as approximate_partial
from quot.api import estimate as estimate
from quot.api import mass_path as mass_path
from quot.api import reg_path as reg_path
from quot.api import solve as solve
from quot.api import solve_adaptive as solve_adaptive
from quot.api import solve_batch as solve_batch
from quot.api import solve_entropic as solve_entropic
from quot.api import solve_graph as solve_graph
from quot.api import solve_points as solve_points
from quot.api import suggest_reg as suggest_reg
from quot.batch import Batch as Batch
from quot.certificate import Certificate as Certificate
from quot.certificate import certify as certify
from quot.convergence import Iterate as Iterate
from quot.convergence import Status as Status
from quot.convergence import Tolerance as Tolerance
from quot.costs import PointCost as PointCost
from quot.exceptions import InfeasibleError as InfeasibleError
from quot.exceptions import InvalidProblemError as InvalidProblemError
from quot.exceptions import MassLostWarning as MassLostWarning
from quot.exceptions import MissingDependencyError as MissingDependencyError
from quot.exceptions import NotConvergedError as NotConvergedError
from quot.exceptions import NotConvergedWarning as NotConvergedWarning
from quot.exceptions import NumericalWarning as NumericalWarning
from quot.exceptions import ProblemTooLargeError as ProblemTooLargeError
from quot.exceptions import QuotError as QuotError
from quot.exceptions import QuotWarning as QuotWarning
from quot.exceptions import SolverError as SolverError
from quot.flow import Flow as Flow
from quot.gibbs_plan import GibbsPlan as GibbsPlan
from quot.graph import Graph as Graph
from quot.io import load as load
from quot.io import save as save
from quot.path import Path as Path
from quot.plan import Plan as Plan
from quot.problem import AdaptiveProblem as AdaptiveProblem
from quot.problem import EntropicProblem as EntropicProblem
from quot.problem import GraphProblem as GraphProblem
from quot.problem import Problem as Problem
from quot.quadratic.estimate import Estimate as Estimate
from quot.result import AdaptiveResult as AdaptiveResult
from quot.result import GraphResult as GraphResult
from quot.result import Result as Result

__version__ = _version("quot")
