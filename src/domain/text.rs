//! What of a text a reader does not see.

/// Whether a character takes no room of its own, or only changes the order or the look of what is read beside it: soft
/// hyphens, joiners, marks of direction, invisible operators, anchors of annotations and tags. A name can be another one
/// than it looks with them, and a word be hidden. Controls are none of them: who reads a text says what a break means there.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_unseen_and_letters_breaks_and_emoji_are_not() {
        let unseen = "\u{ad}\u{61c}\u{180e}\u{200b}\u{200d}\u{202e}\u{2060}\u{2069}\u{206f}\u{feff}\u{fff9}\u{e0041}";
        assert!(unseen.chars().all(is_unseen));
        assert!(!"aä\u{307}字 \t\r\n\0\u{85}\u{2028}\u{2010}\u{2070}✉\u{fe0f}".chars().any(is_unseen));
    }
}
