//! What is known about each pattern: local knowledge at once, a model's words once there are any.
