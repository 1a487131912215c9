"""A casebook that medsyn exported, as a dataset of VLMEvalKit: the prompt as medsyn shows it.

Run it in VLMEvalKit's folder in place of its ``run.py``, with ``LMUData`` set to the folder that this file is in:

    LMUData=FOLDER python FOLDER/NAME.py --data NAME --model MODEL

NAME is this file's own. Texts and images go to the model in medsyn's order; answers are scored by VLMEvalKit as
for all its multiple-choice data. Without this file VLMEvalKit takes the table for custom data: it then puts all
images first and words the question itself, and numbers are not comparable with medsyn's.
"""

import ast
import json
import runpy
import sys
from pathlib import Path

FOLDER, NAME = Path(__file__).resolve().parent, Path(__file__).stem


def dataset_class():
    """Return the dataset's class, which VLMEvalKit's list of classes needs."""
    import pandas
    from vlmeval.dataset.image_mcq import ImageMCQDataset

    class Casebook(ImageMCQDataset):
        @classmethod
        def supported_datasets(cls):
            return [NAME]

        def load_data(self, dataset):
            # "NA" and "None" are diagnoses and options here, so only empty cells are missing
            table = pandas.read_csv(
                FOLDER / f"{NAME}.tsv", sep="\t", keep_default_na=False, na_values=[""], dtype={"id": str}
            )
            # some models take the paths from the table, in whatever folder they run
            paths = [[str(FOLDER / path) for path in ast.literal_eval(cell)] for cell in table["image_path"]]
            table["image_path"] = [str(each) for each in paths]
            return table

        def build_prompt(self, line):
            line = self.data.iloc[line] if isinstance(line, int) else line
            return [
                {"type": "text", "value": part["text"]}
                if part["type"] == "text"
                else {"type": "image", "value": str(FOLDER / part["file"])}
                for part in json.loads(line["prompt"])
            ]

    return Casebook


def main():
    """Make the dataset known, then do what VLMEvalKit's run.py does."""
    import vlmeval.dataset

    vlmeval.dataset.DATASET_CLASSES.insert(0, dataset_class())
    sys.argv[0] = "run.py"
    runpy.run_path("run.py", run_name="__main__")


if __name__ == "__main__":
    main()
