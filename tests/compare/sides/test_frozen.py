"""The user's functions are found by their code, whether or not the garbage collector looks through them."""

import gc
import json

from compare.sides.frozen import freezing, functions_of


def made():
    """Functions with one code: no name leads to them."""

    def inner():
        return 1

    return inner


def test_functions_are_found_whenever_they_were_made():
    before = made()
    with freezing():
        pass
    assert before not in gc.get_referrers(before.__code__), "it is out of the collector's sight"
    after = made()
    assert {id(each) for each in functions_of([before.__code__])} == {id(before), id(after)}


def test_a_function_that_is_gone_is_not_found():
    one = made()
    code = one.__code__
    with freezing():
        pass
    del one
    assert functions_of([code]) == []


def test_no_others_are_found():
    with freezing():
        pass
    assert functions_of([]) == []
    assert functions_of([json.dumps.__code__]) == [], "an installed one is not the user's"
