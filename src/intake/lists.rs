//! Lists of single words that rules read beside the phrases of the groups: small words, which say nothing about the language of
//! a text and are nobody's name. They stand under `[words]` in the lexicon files, which explain them.
//!
//! To add one: a variant here, a list in each `config/lexicon/<language>.toml` with figures (the build ends while one lacks it),
//! and the rule that reads it.

use crate::domain::stored_enum;

stored_enum! {
    /// What a word is for. The words are the keys of `[words]` in the lexicon files.
    List, "lexicon list" {
        /// Begins the clause that a word governs: "that my account is deleted".
        That = "that",
        /// What a verb stands behind that is prevented without such a word: "avoid my account being deleted".
        Being = "being",
        /// Conjunctions behind which a reason stands.
        Cause = "cause",
        /// Asks whether, or by whom, something was done.
        Whether = "whether",
        /// Asks to hear that something was done: "confirm".
        Confirm = "confirm",
        /// By which their own writer may vouch for what is so: "assure".
        Vouch = "vouch",
        /// The same in words that say by themselves that it is their writer: "confirmo".
        IVouch = "i_vouch",
        /// The writer as the subject of a verb.
        I = "i",
        /// What may stand between that and the verb: "I can only confirm".
        IDo = "i_do",
        /// What somebody shall not do but forget or delay.
        Forget = "forget",
        /// Verbs of the writer's own wish: what they govern is wanted, whatever was said before.
        Want = "want",
        /// Those that may also stand between two commas and govern nothing.
        Ask = "ask",
        /// Goes on to one more: "next", "then".
        Next = "next",
        /// What may stand between that and a name.
        Small = "small",
        /// What somebody does who only comes next in the work, or is told: "replaces", "contact".
        Tells = "tells",
        /// What stands before who is only part of what is told: "with", "by".
        Oblique = "oblique",
        /// Makes a firm or a street of the name before it: "Ltd".
        Firm = "firm",
        /// With what a wish for the reader begins, and no person: "weekend".
        Time = "time",
        /// Joins one address to the next.
        Joiner = "joiner",
        /// Says that what stands before is a part of who stands behind: "the address of our customer".
        Of = "of",
        /// What an answer may be about besides an account: "code", "request".
        AnswerThing = "answer_thing",
        /// Makes a term of the day behind it: "until Monday".
        Until = "until",
        /// Makes a place of what stands behind it: "the watermark from my photos", "me from the group".
        From = "from",
        /// Places of ours, whose is not said: "the system".
        Place = "place",
        /// Makes a part of the account or the data before it: "my account statement".
        Piece = "piece",
        /// Says that its writer does it themselves: "I'll", "borro".
        IWill = "i_will",
        /// What the law gives somebody: "my right to erasure".
        Right = "right",
        /// Asks to be told of it: "inform me about my right to erasure".
        Inform = "inform",
    }
}
