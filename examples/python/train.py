"""Logistic regression on scikit-learn's breast cancer data (569 patients), logged with xetrack's own Tracker.

Reads data/train.csv and data/test.csv (made by prepare.py), writes models/model.joblib and a row per run into the results
database. Nothing in here needs expver: it is told where the database is, and finds the rows by itself.
"""
import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xetrack import Tracker

parser = argparse.ArgumentParser()
parser.add_argument("--C", type=float, default=1.0, help="inverse strength of the regularisation")
parser.add_argument("--penalty", choices=["l1", "l2"], default="l2")
arguments = parser.parse_args()


def table(path):
    rows = pd.read_csv(path)
    return rows.drop(columns="target"), rows["target"]


database = Path(os.environ.get("EXPVER_DB", "results/experiments.db"))
database.parent.mkdir(parents=True, exist_ok=True)
tracker = Tracker(str(database), params={"model": "logreg", "C": arguments.C, "penalty": arguments.penalty})

solver = LogisticRegression(C=arguments.C, l1_ratio=1.0 if arguments.penalty == "l1" else 0.0, solver="liblinear", random_state=0)
model = make_pipeline(StandardScaler(), solver)
model.fit(*table("data/train.csv"))

features, target = table("data/test.csv")
accuracy = model.score(features, target)
loss = log_loss(target, model.predict_proba(features))
tracker.log({"accuracy": float(accuracy), "loss": float(loss)})

Path("models").mkdir(exist_ok=True)
joblib.dump(model, "models/model.joblib")
print(f"accuracy {accuracy:.4f}  loss {loss:.4f}  ({len(target)} patients tested)")
