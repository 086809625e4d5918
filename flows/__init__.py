"""The guided flows, by name. Flows decide; they import nothing but the standard library and `flows`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flows.core.definition import Flow
from flows.jobcenter import JOBCENTER
from flows.neighbours import NEIGHBOURS
from flows.noise import NOISE
from flows.school import SCHOOL
from flows.waste import WASTE

FLOWS: Mapping[str, Flow] = MappingProxyType(
    {flow.name: flow for flow in (SCHOOL, JOBCENTER, WASTE, NOISE, NEIGHBOURS)}
)
