"""How a patient's orders go: short, long, stopped, cut, tapered, switched, raised, with gaps, or as needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from cds.population.generate.distributions import Distributions
from cds.population.generate.invented_resources import Directions, Writer

Json = dict[str, Any]
A_MONTH = 30


@dataclass(slots=True)
class InventedCourse:
    """One patient's course as it is written: its day goes on with each order, until `ends`."""

    writer: Writer
    random: Random
    told: Distributions
    day: date
    ends: date
    prescribers: list[str]
    regimen: Directions
    last: Json | None = None

    @property
    def over(self) -> bool:
        return self.day >= self.ends

    def by(self) -> str:
        return self.random.choice(self.prescribers)

    def supply(self, regimen: Directions, repeats: int = 0, requested: bool = True) -> None:
        """One order with its dispenses; the day goes on to when the next is due."""
        if self.over:
            return
        days = int(self.told.drawn("days_a_supply", self.random))
        order = None
        if requested:
            order = self.writer.order(
                regimen, self.day, days, repeats, self.by(), self.last if self.random.random() < 0.5 else None
            )
            if self.last is not None and self.last["status"] == "active":
                self.writer.end(self.last, self.day, "completed", False)
            self.last = order
        for _ in range(repeats + 1):
            if not self.over:
                self.writer.dispense(regimen, self.day + timedelta(days=self.random.choice((0, 0, 1))), days, order)
                late = int(self.told.drawn("days_late", self.random))
                self.day += timedelta(days=max(days + late, 1))

    def long(self, months: int | None = None) -> None:
        """The same regimen, renewed for months."""
        low, high = self.told["months_of_long_use"]
        until = self.day + timedelta(days=A_MONTH * (months or self.random.randint(low, high)))
        while self.day < until and not self.over:
            self.supply(self.regimen, self.random.choice((0, 0, 1, 2, 5)))

    def stop(self) -> None:
        if self.last is not None and not self.over:
            self.writer.end(self.last, self.day, "stopped", self.random.random() < self.told["end_is_dated"])

    def dosed(self, share: float) -> Directions:
        """About this share of the dose, as fewer or halved tablets, else the next strength down or up."""
        now = self.regimen
        if share > 1:
            larger = self.told.beside(now.product, True)
            return replace(now, product=larger) if larger is not now.product else replace(now, at_a_time=now.at_a_time * 2)
        halves = max(round(now.at_a_time * now.times * share * 2), 1)
        if now.times > 1 and halves % 2 == 0 and halves >= 2:
            return replace(now, times=min(halves // 2, 4), at_a_time=1)
        return replace(now, times=1, at_a_time=halves / 2) if halves < 2 * now.times else now


def _short(course: InventedCourse) -> None:
    course.supply(course.regimen)


def _now_and_then(course: InventedCourse) -> None:
    course.regimen = replace(course.regimen, as_needed=True)
    while not course.over and course.random.random() < 0.85:
        course.supply(course.regimen)
        course.day += timedelta(days=course.random.randint(10, 120))


def _long(course: InventedCourse) -> None:
    while not course.over:
        course.supply(course.regimen, course.random.choice((0, 0, 1, 2, 5)))


def _long_then_stop(course: InventedCourse) -> None:
    course.long()
    course.stop()


def _long_then_cut(course: InventedCourse) -> None:
    course.long()
    course.regimen = course.dosed(0.5)
    _long(course)


def _taper(pace: str, course: InventedCourse) -> None:
    course.long()
    start = course.regimen
    for share in course.told["shares"][pace]:
        course.regimen = replace(start, words=_mg_words(course, start.mg * share))
        course.supply(course.regimen)
    course.stop()


def _mg_words(course: InventedCourse, mg: float) -> str:
    return f"Take {round(mg, 3):g} mg {course.random.choice(course.told['words']['often'][1])}"


def _taper_in_words(course: InventedCourse) -> None:
    course.long()
    mg = course.regimen.mg
    told = course.told["words"]["taper"].format(a=f"{mg / 2:g}", b=f"{mg / 4:g}", days=course.random.choice((3, 7)))
    course.supply(replace(course.regimen, words=told))


def _switch(course: InventedCourse) -> None:
    course.long()
    if course.over or course.last is None:
        return
    others = [agent for agent in course.told["doses"] if agent != course.regimen.product.agent]
    product, times, at_a_time = course.told.dose(course.random.choice([*others, "diazepam", "clonazepam"]), course.random)
    course.writer.end(course.last, course.day, "stopped", True)
    course.regimen, course.last = Directions(product, times, at_a_time), None
    _long(course)


def _escalation(course: InventedCourse) -> None:
    while not course.over:
        course.long(course.random.randint(2, 8))
        course.regimen = course.dosed(2)


def _gap(course: InventedCourse) -> None:
    course.long()
    course.day += timedelta(days=course.random.randint(25, 150))
    _long(course)


def _two_agents(course: InventedCourse) -> None:
    first = course.regimen
    others = [agent for agent in course.told["doses"] if agent != first.product.agent]
    product, times, at_a_time = course.told.dose(course.random.choice(others), course.random)
    course.long(course.random.randint(2, 9))
    while not course.over:
        began, before = course.day, course.last
        course.supply(Directions(product, times, at_a_time), 2)
        course.day, course.last = began + timedelta(days=course.random.randint(0, 2)), before
        course.supply(first, 2)


def _going_back_up(course: InventedCourse) -> None:
    course.long()
    whole = course.regimen
    course.regimen = course.dosed(0.75)
    course.supply(course.regimen)
    course.regimen = whole
    _long(course)


def _wrong_dose(course: InventedCourse) -> None:
    course.long()
    course.supply(replace(course.regimen, words=f"Take {course.regimen.product.strength * 0.9:g} mg twice daily"))
    _long(course)


def _without_request(course: InventedCourse) -> None:
    for _ in range(course.random.randint(3, 12)):
        course.supply(course.regimen, requested=False)
    course.supply(course.regimen)


def _again(course: InventedCourse) -> None:
    _short(course)
    course.day += timedelta(days=course.random.randint(120, 400))
    _long_then_stop(course)


COURSES: Mapping[str, Callable[[InventedCourse], None]] = {
    "short": _short,
    "now-and-then": _now_and_then,
    "long": _long,
    "long-then-stop": _long_then_stop,
    "long-then-cut": _long_then_cut,
    "slow-taper": partial(_taper, "slow"),
    "fast-taper": partial(_taper, "fast"),
    "taper-in-words": _taper_in_words,
    "switch": _switch,
    "escalation": _escalation,
    "gap": _gap,
    "two-agents": _two_agents,
    "going-back-up": _going_back_up,
    "wrong-dose": _wrong_dose,
    "without-request": _without_request,
    "whole-course-again": _again,
}
