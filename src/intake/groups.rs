//! The groups that every lexicon file has. A word list only: how they combine is in `judge`, `quote` and `answer`.
//!
//! To add one: a variant here, a list in each `config/lexicon/<language>.toml` (loading fails while one lacks it), and the rule
//! that reads it.

use crate::domain::stored_enum;

stored_enum! {
    /// What a phrase is for. The words are the keys of `[groups]` in the lexicon files, and are explained there.
    Group, "lexicon group" {
        /// Verbs of erasing.
        EraseVerb = "erase_verb",
        /// Nouns of erasing.
        EraseNoun = "erase_noun",
        /// Verbs that erase when their object is an account.
        CloseVerb = "close_verb",
        /// The writer's own account.
        AccountMine = "account_mine",
        /// An account, whose is not said.
        Account = "account",
        /// An account as the place where something is.
        AccountPlace = "account_place",
        /// Words beside a verb of erasing that has no object but an account as a place: "the contents of my account".
        BesidePlace = "beside_place",
        /// The writer's own data.
        DataMine = "data_mine",
        /// Data, whose is not said.
        Data = "data",
        /// The writer's own name, address, number: data of theirs where somebody keeps it.
        ContactMine = "contact_mine",
        /// Where we keep data: "your database".
        PlaceYours = "place_yours",
        /// A profile, page or listing.
        Profile = "profile",
        /// "Everything".
        Everything = "everything",
        /// "It", "them", "these data": what was named before.
        Pronoun = "pronoun",
        /// "My", "mine".
        Own = "own",
        /// Whole phrases that ask to be forgotten.
        ForgetMe = "forget_me",
        /// Whole phrases that may ask for it, of some data or some place: a person reads them.
        ForgetPerhaps = "forget_perhaps",
        /// Another user of the account.
        OtherUser = "other_user",
        /// Several people at once: "the users", "both customers".
        SeveralPeople = "several_people",
        /// A person whom the writer serves.
        EndUser = "end_user",
        /// What makes a thing of the word for a person before it: "customer reviews", "user guide".
        Thing = "thing",
        /// Data of that person.
        DataTheirs = "data_theirs",
        /// Somebody else's account, by whose it is: "his account".
        AccountTheirs = "account_theirs",
        /// Words for people by what they are to the writer: "wife", "assistant".
        Person = "person",
        /// "I have no account with you."
        NoAccount = "no_account",
        /// "Everything else can stay."
        RestStays = "rest_stays",
        /// Excepts a part of a whole: "all except".
        LimitExcept = "limit_except",
        /// Asks to keep a part: "but keep my".
        LimitKeep = "limit_keep",
        /// The same as an imperative, which counts where it stands as one: "keep my".
        LimitImperative = "limit_imperative",
        /// Ties a wish to a time or a condition that is still to come, or to one of several: "once my order", "not the".
        LimitUntil = "limit_until",
        /// A date or an age, which counts right behind what is to be erased: "on 31 December", "older than".
        LimitDate = "limit_date",
        /// Says that the law sets the limit.
        LimitLaw = "limit_law",
        /// Words that make a wish of a sentence.
        Request = "request",
        /// Of those the ones that hurry or give thanks for an answer, and make no wish of a question: "in advance".
        InAdvance = "in_advance",
        /// Words that make a question about the way of it.
        How = "how",
        /// Words that make a condition or an occasion of it.
        Conditional = "conditional",
        /// Negations.
        Negation = "negation",
        /// Negations that forbid nothing: "I cannot", "not yet deleted", "do not hesitate".
        NegationElse = "negation_else",
        /// Negations that stand behind their verb.
        NegationBehind = "negation_behind",
        /// What is said against an erasure: "prevent", "object to".
        Prevent = "prevent",
        /// What shall be made sure, so that a negation in it forbids: "make sure".
        Ensure = "ensure",
        /// An erasure that is lamented or was a mistake: "keeps deleting", "restore".
        Loss = "loss",
        /// Thanks for it: "thank you for".
        ThanksFor = "thanks_for",
        /// Words with which another clause begins: "and", "but".
        Conjunction = "conjunction",
        /// Words that add somebody to a wish: "too", "as well".
        Also = "also",
        /// Whole phrases that add somebody to a wish: "the same goes for".
        Likewise = "likewise",
        /// What stands for somebody or something else behind an "and": "the others", "that of".
        TheOther = "the_other",
        /// What stands right before somebody who is only mentioned: "agreed with".
        Mention = "mention",
        /// The account or the data of a whole company: "our account", "the data of my firm".
        Company = "company",
        /// The company of the writer ends: "we are closing our shop".
        CompanyEnds = "company_ends",
        /// "No longer": a negation that forbids nothing.
        NoLonger = "no_longer",
        /// What somebody does who is only mentioned: "sends her regards".
        Regards = "regards",
        /// Things that people write with a capital, and that are nobody's name: "Orders and Invoices".
        Noun = "noun",
        /// "See attached."
        Attached = "attached",
        /// It was done or announced by somebody else.
        Done = "done",
        /// The same words where they may be a wish as well: "having my data deleted".
        DonePerhaps = "done_perhaps",
        /// Art. 17 GDPR and its like.
        LawErasure = "law_erasure",
        /// Takes a request back.
        Undo = "undo",
        /// Whole phrases that ask to erase nothing, or to keep the account.
        Keep = "keep",
        /// Refuses what another sentence names, outright: "please don't".
        Refuse = "refuse",
        /// The same in words that may be about something else: "I do not want that".
        Unwanted = "unwanted",
        /// The writer did not send what was sent: "that was not me".
        NotMe = "not_me",
        /// Somebody else asks for it, or the writer never did: "my ex asked you to".
        AskedBy = "asked_by",
        /// Talk about erasure that is no request.
        Topic = "topic",
        /// The writer is leaving or displeased.
        Leaving = "leaving",
        /// A reminder of an earlier request.
        Reminder = "reminder",
        /// What presses beside a question: "get on with it", "I asked for it in May".
        Urge = "urge",
        /// Asks us to do what its writer could not: "do it for me".
        DoIt = "do_it",
        /// Asks when: "when will", "how much longer".
        When = "when",
        /// Says that something is there still: "still there", "still have".
        Still = "still",
        /// Art. 15.
        Access = "access",
        /// Art. 16.
        Rectify = "rectify",
        /// Art. 18 and 21, do not sell.
        Object = "object",
        /// Mailing lists and newsletters, as something to get off.
        List = "list",
        /// Cancels a contract, order, booking or payment.
        CancelContract = "cancel_contract",
        /// Words at the foot of newsletters.
        NewsletterFooter = "newsletter_footer",
        /// Subjects of automatic replies.
        AutoSubject = "auto_subject",
        /// Sentences of automatic replies.
        AutoBody = "auto_body",
        /// Subjects of returned letters.
        BounceSubject = "bounce_subject",
        /// Sentences of returned letters.
        BounceBody = "bounce_body",
        /// Threats and lures.
        Spam = "spam",
        /// Yes.
        Yes = "yes",
        /// No: phrases, and words that say no wherever they open a sentence.
        No = "no",
        /// Words that say no only where they stand alone.
        NoAlone = "no_alone",
        /// Words that take a yes half back.
        Hedge = "hedge",
        /// Thanks: they make half a wish of a sentence.
        Courtesy = "courtesy",
        /// How a letter begins.
        Greeting = "greeting",
        /// How a letter ends.
        Closing = "closing",
        /// What people are or where they work, under their name: "Head of Sales", "Ltd".
        Title = "title",
        /// Words that change nothing beside a yes.
        AnswerWord = "answer_word",
        /// Small words that may stand in a yes that repeats the wish or hands over a code.
        AnswerLink = "answer_link",
        /// How an attribution line begins.
        AttributionStart = "attribution_start",
        /// The verb of an attribution line.
        AttributionVerb = "attribution_verb",
        /// Sentences of the letters that we send.
        OwnLetter = "own_letter",
        /// The line above a repeated letter.
        Separator = "separator",
        /// The line above a forwarded letter.
        ForwardSeparator = "forward_separator",
        /// The sender's label in a repeated header.
        HeaderFrom = "header_from",
        /// The date's label in a repeated header.
        HeaderSent = "header_sent",
        /// A mail program's own line.
        SignatureLine = "signature_line",
        /// How a confidentiality notice begins.
        Disclaimer = "disclaimer",
        /// What subjects of replies begin with.
        ReplyPrefix = "reply_prefix",
        /// What subjects of forwarded letters begin with.
        ForwardPrefix = "forward_prefix",
        /// What stands before a name.
        NameCue = "name_cue",
        /// What stands right before the name of somebody whose data it is: "the profile of".
        PersonCue = "person_cue",
        /// What stands before a customer number, user name or other id.
        IdCue = "id_cue",
        /// What stands before a telephone number.
        PhoneCue = "phone_cue",
        /// What stands before a code.
        CodeCue = "code_cue",
    }
}

impl Group {
    /// Whether its phrases stand before the name of somebody, or call somebody by what they are or have.
    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub(super) const fn names_somebody(self) -> bool {
        matches!(
            self,
            Self::OtherUser
                | Self::SeveralPeople
                | Self::EndUser
                | Self::PersonCue
                | Self::IdCue
                | Self::PhoneCue
                | Self::NameCue
                | Self::Person
                | Self::AccountTheirs
        )
    }
}
