//! The mark of a variable in a template.
export const HOLE = '<*>'
