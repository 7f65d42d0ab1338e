"""The forms that a centre offers, and which of them a person there has checked against the official sheet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ...wire.words import Frozen
from .model import Form
from .read import content_sha


class OfferedForm(Frozen):
    """`sha`: of the content (`content_sha`); `checked`: marked with that very content. `own`: the centre's file."""

    form: Form
    sha: str
    checked: bool = False
    own: bool = False


class FormsOffered(Frozen):
    """What `GET /api/forms` answers. `sample`: unchecked forms may be filed too, under the word MẪU."""

    version: str
    sample: bool = False
    forms: tuple[OfferedForm, ...] = ()

    def find(self, form_id: str, version: str) -> OfferedForm | None:
        return next(
            (x for x in self.forms if (x.form.id, x.form.version) == (form_id, version)), None
        )

    def may_file(self, form_id: str, version: str) -> bool:
        """That a centre files only what it has checked; a form that asks for presence is only prepared."""
        found = self.find(form_id, version)
        return found is not None and not found.form.presence and (found.checked or self.sample)

    def is_sample(self, form_id: str, version: str) -> bool:
        """Filed, it stands under the word MẪU."""
        found = self.find(form_id, version)
        return found is not None and not found.checked and self.sample


def key_of(form_id: str, version: str) -> str:
    """How a version of a form is named in `State.forms_checked`."""
    return f"{form_id}/{version}"


def offered(
    shipped: Iterable[Form], own: Iterable[Form], checked: Mapping[str, str], sample: bool
) -> FormsOffered:
    """All forms; the centre's own take the place of shipped ones with the same id and version.

    `checked`: by `key_of` the SHA of the content that somebody marked.
    """
    found = {key_of(f.id, f.version): (f, False) for f in shipped}
    found |= {key_of(f.id, f.version): (f, True) for f in own}
    forms = []
    for key, (form, is_own) in found.items():
        sha = content_sha(form)
        is_checked = checked.get(key) == sha
        forms.append(OfferedForm(form=form, sha=sha, checked=is_checked, own=is_own))
    told = f"{sample}" + "".join(
        f"|{x.form.id}/{x.form.version}:{x.sha}:{x.checked}" for x in forms
    )
    version = hashlib.sha256(told.encode()).hexdigest()[:16]
    return FormsOffered(version=version, sample=sample, forms=tuple(forms))
