"""The phantom clinic: a synthetic world with a known truth, to calibrate the instrument with.

It is not a medical model, and it must never be used for the care of patients: its diseases do not exist.
`docs/phantom.md` explains it. The parts, each loaded when imported:

* `medsyn.phantom.world`: the invented diseases and their tables of probabilities;
* `medsyn.phantom.text` and `medsyn.phantom.render`: findings as sentences and as pictures;
* `medsyn.phantom.clinic`: makes a casebook;
* `medsyn.phantom.decode`: reads a finding off the pixels of a picture;
* `medsyn.phantom.reader`: the model ``phantom:reader``, an ideal reader with planted weaknesses;
* `medsyn.phantom.truth`: what its sensitivities must be, in closed form.
"""
