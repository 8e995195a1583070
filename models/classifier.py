"""What the classifiers of our own share: scikit-learn's interface on arrays, two classes, NaN for "not known"."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from models.candidate import Floats, Outcome


class TwoClassClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of a rows x columns array; it knows no names and no frames, and anybody's pipeline can hold it.

    A subclass learns in ``_learn`` and gives the chance of the second class in ``_chances``.
    """

    classes_: npt.NDArray[Any]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Learn from rows ``X`` and classes ``y``; rows of weight 0 are as if they were not there."""
        values, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        check_classification_targets(y)
        weights = _check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if self.classes_.size > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        told = weights > 0
        if np.unique(codes[told]).size < 2:
            raise ValueError("There is only one class among the rows to learn from: give rows of both classes.")
        self._learn(values[told], codes[told] == 1, weights[told])
        return self

    def _learn(self, values: npt.NDArray[Any], outcome: Outcome, weights: Floats) -> None:
        raise NotImplementedError

    def _chances(self, values: npt.NDArray[Any]) -> Floats:
        raise NotImplementedError

    def _read(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        check_is_fitted(self)
        checked = validate_data(self, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", reset=False)
        return np.asarray(checked)

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Chances of both classes, rows x 2, in the order of ``classes_``."""
        chances = self._chances(self._read(X))
        return np.column_stack([1 - chances, chances])

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """The likelier class of each row."""
        likelier = np.argmax(self.predict_proba(X), axis=1)
        return np.asarray(self.classes_[likelier])
