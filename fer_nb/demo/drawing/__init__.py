"""The pictures of the demo: six viewers from two portraits, their rooms, and what they watch.

This is most of the demo's code, as every picture that the package ships or tests with is drawn
here: nobody's recording could be published, and a face whose truth is known has to be moved.
"""
