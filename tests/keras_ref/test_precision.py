import keras
import pytest

from keras_ref.precision import precision


def settings():
    return keras.config.floatx(), keras.config.dtype_policy().name


def test_both_settings_hold_inside_and_the_old_ones_afterwards():
    before = settings()
    with precision("float64"):
        assert settings() == ("float64", "float64")
        with precision("float32"):
            assert settings() == ("float32", "float32")
        assert settings() == ("float64", "float64")
    assert settings() == before


def test_an_exception_inside_restores_them_too():
    before = settings()
    with pytest.raises(ZeroDivisionError), precision("float64"):
        raise ZeroDivisionError
    assert settings() == before


def test_a_policy_of_the_users_own_comes_back():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with precision("float64"):
            pass
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("dtype", ["float16", "int32", "spam"])
def test_other_types_are_refused_and_nothing_is_set(dtype):
    before = settings()
    with pytest.raises(ValueError, match=rf"^`dtype` must be float32 or float64\. Received: dtype='{dtype}'$"):
        precision(dtype).__enter__()
    assert settings() == before
