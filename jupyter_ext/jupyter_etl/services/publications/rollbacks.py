"""Watermarks that a rollback resets, so that the next run reads the removed rows again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jupyter_etl.errors import Conflict, PermissionDenied
from jupyter_etl.language.cursors import is_further
from jupyter_etl.model import (
    Cursor,
    CursorValue,
    Publication,
    PublicationVersion,
    PublishMode,
    VersionWatermark,
    Watermark,
)
from jupyter_etl.ports import Store

_Key = tuple[str, Cursor]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A watermark that a rollback resets.

    Args:
        watermark: Its new value.
        before: Its current value; None for the start.
    """

    watermark: VersionWatermark
    before: CursorValue | None

    @property
    def words(self) -> str:
        """``watermark of daily by wh.orders.id: 30 to 10``."""
        one = self.watermark
        return (
            f"watermark of {one.pipeline} by {one.cursor.label}: {_value_text(self.before)} to "
            f"{_value_text(one.value)}"
        )


def watermarks_to_set(
    store: Store, live: PublicationVersion, wanted: PublicationVersion, *, owner: str
) -> tuple[Setting, ...]:
    """Return the watermarks that a version was published with, unless they are the current ones.

    Args:
        wanted: The version whose content becomes the live one.
        owner: The user who rolls back.

    Raises:
        Conflict: The version has no recorded watermarks, or another publication of the same
            loads would get rows twice or miss some. The hint has the command that rolls back
            nevertheless.
        PermissionDenied: A pipeline belongs to another owner.
    """
    if wanted.watermarks is None or live.watermarks is None:
        _refuse_unknown(store, wanted)
        return ()
    present = {(one.pipeline, one.cursor): one for one in store.load_watermarks()}
    found = _differing(live.watermarks, wanted.watermarks, present)
    _refuse_strangers(store, found, wanted, owner)
    others = [one for one in store.load_publications() if one.name != wanted.name]
    for setting in found:
        for other in others:
            _refuse_others(store, setting, other, wanted)
    return tuple(found)


def _differing(
    live: tuple[VersionWatermark, ...],
    wanted: tuple[VersionWatermark, ...],
    present: Mapping[_Key, Watermark],
) -> list[Setting]:
    then = {(one.pipeline, one.cursor): one for one in wanted}
    found = []
    for key, one in {**{(o.pipeline, o.cursor): o for o in live}, **then}.items():
        # If the version has no rows of a load, the watermark is reset to the start of the first
        # load.
        value = one.value if key in then else one.begun
        now = present.get(key)
        before = None if now is None else now.value
        if before != value:
            found.append(Setting(watermark=replace(one, value=value), before=before))
    return found


def _refuse_unknown(store: Store, wanted: PublicationVersion) -> None:
    name, number = wanted.name, wanted.number
    history = store.load_publication_versions(name)
    pipelines = {one.pipeline for one in history if one.run_id is not None}
    known = [w for p in sorted(pipelines) for w in store.load_watermarks(p) if w.value is not None]
    if not known:
        return
    first = known[0]
    target, column = _target(first.cursor), first.cursor.column
    raise Conflict(
        f"Version {number} of {name!r} was published before versions recorded their watermarks, "
        f"and {first.pipeline} loads incrementally by "
        f"{', '.join(w.cursor.label for w in known)}: its next run would not read the removed "
        "rows again.",
        hint=f"jupyter etl rollback {name} --to {number} --keep-watermarks; then, with the greatest "
        f"{column} of that version: jupyter etl watermark {first.pipeline} {target} --since {column} "
        "--set VALUE",
        data={"name": name, "version": number},
    )


def _refuse_strangers(
    store: Store, settings: list[Setting], wanted: PublicationVersion, owner: str
) -> None:
    owners = {one.name: one.owner for one in store.load_pipelines()}
    for setting in settings:
        pipeline = setting.watermark.pipeline
        if owners.get(pipeline, owner) != owner:
            raise PermissionDenied(
                f"Version {wanted.number} of {wanted.name!r} sets the {setting.words}, but the "
                f"pipeline belongs to {owners[pipeline]!r}, not to {owner!r}.",
                hint="Ask its owner, or keep the watermark: "
                f"jupyter etl rollback {wanted.name} --to {wanted.number} --keep-watermarks",
            )


def _refuse_others(
    store: Store, setting: Setting, other: Publication, wanted: PublicationVersion
) -> None:
    """Refuse if another publication of the same load would get rows twice or miss some."""
    live, value = other.live, setting.watermark.value
    its = None if live is None else _mark(live, setting.watermark)
    if live is None or its is None:
        return
    mode = live.what.mode
    label, pipeline = setting.watermark.cursor.label, setting.watermark.pipeline
    if mode is PublishMode.APPEND and _beyond(setting.before, value) and _beyond(its.value, value):
        what = f"has the rows up to {_value_text(its.value)} and would get some of them twice"
    elif (
        mode is not PublishMode.REPLACE
        and _beyond(value, its.value)
        and not _beyond(setting.before, its.value)
    ):
        what = (
            f"has the rows only up to {_value_text(its.value)} and would never get the later ones"
        )
    else:
        return
    keep = f"jupyter etl rollback {wanted.name} --to {wanted.number} --keep-watermarks"
    alike = _version_alike(store, other.name, setting.watermark)
    first = f"jupyter etl rollback {other.name} --to {alike} --keep-watermarks; or" if alike else ""
    raise Conflict(
        f"Version {wanted.number} of {wanted.name!r} sets the {setting.words}. {pipeline} publishes "
        f"{other.name!r} by {label} too, which {what}.",
        hint=f"{f'First: {first} l' if first else 'L'}eave the watermark as it is: {keep}",
        data={"name": wanted.name, "other": other.name, "version": alike},
    )


def _version_alike(store: Store, name: str, wanted: VersionWatermark) -> int | None:
    """Return the newest version of another publication with the same watermark."""
    for version in store.load_publication_versions(name):
        mark = _mark(version, wanted)
        if version.pruned_at is None and mark is not None and mark.value == wanted.value:
            return version.number
    return None


def _mark(version: PublicationVersion, wanted: VersionWatermark) -> VersionWatermark | None:
    for one in version.watermarks or ():
        if (one.pipeline, one.cursor) == (wanted.pipeline, wanted.cursor):
            return one
    return None


def _beyond(value: CursorValue | None, than: CursorValue | None) -> bool:
    return value is not None and (than is None or is_further(value, than))


def _target(cursor: Cursor) -> str:
    return f"{cursor.source}.{cursor.table}" if cursor.table else cursor.source


def _value_text(value: CursorValue | None) -> str:
    return "the start" if value is None else value.text
