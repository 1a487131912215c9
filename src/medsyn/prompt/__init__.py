"""Prompts: versioned templates, English and Chinese, as plain files; filled, they are ordered parts.

A template lies in ``templates/VERSION/NAME.LANGUAGE.txt``. ``{{name}}`` stands for a text or for ordered parts; a
line ``@section NAME`` says what the text below belongs to (see `medsyn.case.TextPart`).
"""
