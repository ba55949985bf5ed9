//! What somebody asks for by a code that the directory does not have: the same words wherever a list is filtered by it.

use duban_contracts::{FieldError, both};

/// There is no unit of this code.
pub fn unit(code: &str) -> FieldError {
    let wrong = both(format!("没有单位“{code}”"), format!("there is no unit '{code}'"));
    FieldError::new("/unit", wrong, both("请填写目录中的单位代码", "the code of a unit of the directory"))
}

/// There is nobody of this id.
pub fn person(id: &str) -> FieldError {
    let wrong = both(format!("没有人员“{id}”"), format!("there is no person '{id}'"));
    FieldError::new("/person", wrong, both("请填写目录中的人员代码", "the id of a person of the directory"))
}
