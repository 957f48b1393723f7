//! Names in a text that makes no difference between large and small letters: "please delete anna garrido", "BELA HARTWIG TOO".
//!
//! There a word is somebody's name where the lexicon does not know it in the language of the letter, and where it is none of the words that people
//! write beside a wish. Who is taken for a person by mistake brings a person to look, and nothing more.

use super::normal::fold;

/// Letters of a name that is told from a small word.
const NAME_CHARS_MIN: usize = 3;
/// How words end that are nobody's name, folded.
const ENDINGS: [&str; 12] =
    ["ly", "ing", "tion", "tions", "ment", "ments", "ness", "ung", "ungen", "lich", "mente", "zione"];
/// What people write beside a wish and no lexicon lists, folded.
const COMMON: &str = "\
 respond reply replies notify notice promptly quick asap soon later right away instead anyway actually really maybe perhaps sure yes okay \
 good riddance bye goodbye cheers greetings regards move moved moving forward forget about around abroad back home work works worked life live \
 get gets got give gives given take takes took taken make makes made let lets leave leaves stop stops spam spamming mails mail letters letter \
 ads advert adverts promos marketing tracking cookies cookie app apps site website page pages shop shops store stores price prices expensive \
 cheap money bill bills paid pay pays payment card cards bank credit debit refund refunds nothing everything anything something anyone everyone \
 none one ones two three once twice first last second third next more most less least much many few lot lots bit some any each every both other another same \
 since still yet already never ever always often sometimes today tomorrow yesterday now then when while after before until till during within \
 without because though although however therefore hence thus else than that this these those there here where which who whom whose what why \
 how was were been being has have had having does did done will would shall should can could may might must need needs needed want wants wanted \
 use uses used using find found better best worse worst bad great nice fine happy sad tired annoyed angry fed waste time times day days week \
 weeks month months year years log logs logged login logging out off over under again too also just only even such very quite rather pretty \
 see seen look looks sign signed signing up down end ends ended close closed closing cancel cancelled finish finished start started new old \
 comma dash dup charge charges link links duplicate watermark logo banner field fields line lines row rows entry comment comments \
 ticket tickets case cases issue issues problem problems bug bugs error errors crash crashes broken slow useless terrible awful \
 update updates upgrade version phone number numbers address name names email mails picture pictures photo photos text message messages \
 send sends sent receive received read write wrote written call called calls tell told say said ask asked asks answer answered confirm \
 danke bescheid geben gebt gib kurz bald schnell sofort gleich einfach wirklich schade leider bitte gerne gern mehr nie nicht kein keine \
 brauche brauchen braucht werde wird werden wurde habe hast haben hat hatte bin ist sind war waren sein kann konnen muss mussen soll sollen \
 will wollen mochte mochten gehen geht ging weg raus rein neu neue alt alte gut gute besser schlecht teuer billig umgezogen gewechselt \
 werbung mails post brief briefe rechnung bestellung laden geschaft seite seiten preis preise geld zeit tag tage woche jahr jahre heute morgen \
 gestern jetzt spater dann wenn weil dass damit ohne noch schon immer oft alles nichts etwas jemand niemand tschuss ciao ade servus moin \
 schickt schicken sendet senden melden meldet antworten antwortet antwort nachricht rueckmeldung ruckmeldung sagen sagt \
 merci bonne bonnes journee soiree vite rapidement bientot jamais rien tout tous toute toutes plus moins encore toujours deja demain hier \
 aujourd'hui quand parce que qui dont pour sans avec dans chez entre sous etre suis est sont etait avoir avez ont avait faire fait faites \
 peux peut pouvez veux veut voulez dois doit devez vais va allez aller part partir trop cher chere prix argent temps jour jours semaine annee \
 prevenir repondre repondez ecrire envoyer envoyez dire dites adieu salut bisous cordialement \
 gracias rapido pronto nunca nada todo todos toda todas mas menos siempre todavia manana ayer hoy cuando porque quien cual para sin con entre \
 ser soy es son era estar estoy esta estan tener tengo tiene tienen hacer hago hace hagan puedo puede pueden quiero quiere quieren debo debe \
 voy vamos mucho muchos mucha muchas caro cara precio dinero tiempo dia dias semana ano anos avisar avisen responder respondan escribir enviar \
 envien decir digan adios hola saludos \
 grazie presto subito mai niente tutto tutti tutta tutte piu meno sempre ancora gia domani ieri oggi quando perche chi per senza con tra \
 essere sono era stato avere avete hanno fare faccio fatto posso puo possono voglio vuole devo deve vado andare molto molti caro prezzo soldi \
 tempo giorno giorni settimana anno anni avvisare avvisate rispondere rispondete scrivere mandare mandate dire dite addio ciao saluti \
 bedankt dank snel spoedig nooit niets alles iets meer minder altijd vaak morgen gisteren vandaag nu dan toen als omdat wie wat waar voor zonder \
 met ben bent zijn was waren heb hebt heeft hebben doe doet doen gedaan kan kunnen wil willen moet moeten ga gaat gaan veel duur prijs geld \
 tijd dag dagen week jaar laat laten weten antwoord antwoorden schrijf schrijven stuur sturen zeg zeggen doei groet groeten groetjes";

/// Whether words make no difference between large and small letters; a capital at the beginning says nothing.
pub(super) fn is_one_case<'a>(words: impl Iterator<Item = &'a str> + Clone) -> bool {
    let large = |word: &&str| word.chars().any(char::is_uppercase);
    let small = |word: &&str| word.chars().any(char::is_lowercase);
    let many = words.clone().filter(|word| word.chars().any(char::is_alphabetic)).count() > 1;
    // "I" is written so by everybody.
    let shouted = many && !words.clone().any(|word| small(&word));
    let mut rest = words.skip(1).filter(|word| *word != "I" && !word.starts_with("I'"));
    shouted || !rest.any(|word| large(&word))
}

/// Whether a word may be a part of somebody's name where capitals say nothing.
pub(super) fn may_be_name(word: &str, is_word: impl Fn(&str) -> bool) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let folded = fold(core);
    let stem = folded.strip_suffix("'s").unwrap_or(&folded);
    let letters = stem.chars().all(|c| c.is_alphabetic() || c == '-');
    letters
        && stem.chars().count() >= NAME_CHARS_MIN
        && !ENDINGS.iter().any(|ending| stem.ends_with(ending))
        && !COMMON.split_ascii_whitespace().any(|common| common == stem)
        && !is_word(stem)
}
