//! Words that lead to a name behind a wish, or away from it. A list only: `follow` reads it. All folded.

use super::Said;

/// What goes on to one more, folded.
const MARKS: &str = "\
    next then second secondly third thirdly finally lastly same ditto likewise another others further furthermore \
    additionally moreover besides repeat include including add candidate follow follows followed forget forgot \
    move two 2 three 3 nachste nachster nachstes nachsten danach dann zweitens drittens zweite zweiter \
    schliesslich zuletzt dasselbe gleiche gleicher gleiches gleichen selbe selben dito detto analog weitere \
    weiterer weiterhin ferner zudem vergessen vergass zwei noch ensuite puis apres suivant suivante deuxieme \
    deuxiemement enfin meme idem pareil pareille encore oublier oublie deux oubliez n'oubliez siguiente luego \
    despues segundo segunda mismo misma igual dos olviden olvide olvidar poi dopo prossimo prossima seconda \
    secondo stesso stessa uguale dimenticate dimenticare volgende daarna vervolgens dan tweede tenslotte zelfde \
    hetzelfde dezelfde evenzo nog verder vergeet vergeten";
/// What may stand between them and a name, beside the words of the lexicon that join, folded.
const SMALL: &str = "\
    is are it it's there there's here here's again story thing procedure goes applies apply case request reason \
    treatment with for in of as by on one name names user users person people list not don't dont do please move \
    go once done up we you have about what true to ist sind ware da gibt es bei fur geschichte spiel fall person \
    personen nutzer benutzer gilt liste nicht als und bitte am il y est pour chez histoire chose cas d' demande \
    sans pas c'est hay para por historia cosa caso no sin persona c'e per storia non er voor bij verhaal geval \
    persoon niet wat betreft vale vaut esta dem on i ich zu almost nearly oh yes line number no nummer ma mia sa \
    sua meine meiner meinem meinen onto";
/// What somebody does who only comes next in the work, or is told: folded.
const TELLS: &str = "\
    takes take took replaces replaced succeeds successor contact inform informs notify tell ask asks asked call \
    calls called write wrote email cc thank greet reach answer answers responsible handles manages joined starts \
    started boss manager lawyer friend helped stays remains keeps ubernimmt ubernahm nachfolger nachfolgerin \
    ansprechpartner ansprechpartnerin informieren fragen anrufen kontaktieren schreiben zustandig bleibt hilft \
    leitet vertritt remplace successeur reprend contacter contactez informer informez prevenir prevenez appelez \
    reste responsable sustituye sucesor sucesora contactar contacten informen avisen llamen queda encarga \
    sostituisce successore contattate informate avvisate resta vervangt opvolger neemt contacteer informeer bel \
    blijft";
/// What stands before who is only part of what is told, folded.
const OBLIQUE: &str = "\
    with by from to at of for in mit von vom bei an durch aus avec par de d' chez pour con por para da di met \
    door van aan is ist est was were be been war waren etait era fue es e";
/// What makes a firm or a street of the name before it, folded.
const FIRMS: &str = "\
    ltd limited gmbh inc llc llp plc ag kg ug sarl sas sa srl spa bv nv sl ohg gbr ev corp group gruppe groupe \
    grupo gruppo street road avenue lane square strasse platz allee rue calle straat plein laan court amtsgericht";
/// With what a wish for the reader begins, and no person: "Schönes Wochenende!", folded.
const TIMES: &str = "\
    wochenende ostern weihnachten feiertage tag abend woche sommer urlaub jahr easter christmas weekend holiday \
    holidays day week evening year journee soiree fin dia semana giornata serata dag avond vakantie pasen";

/// Whether a folded word is one of a list.
fn is_of(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_ascii_whitespace().any(|known| known == word)
}

impl Said<'_> {
    /// Whether a word goes on to one more.
    pub(super) fn is_mark(&self, word: usize) -> bool {
        is_of(MARKS, self.folded(word))
    }

    /// Whether a word may stand between such a word and a name.
    pub(super) fn is_small_word(&self, word: usize) -> bool {
        is_of(SMALL, self.folded(word))
    }

    /// Whether one of these words tells what somebody does who stays, or is told.
    pub(super) fn tells(&self, from: usize, end: usize) -> bool {
        (from..end).any(|word| is_of(TELLS, self.folded(word)))
    }

    /// Whether a word makes of who stands behind it a part of what is told.
    pub(super) fn is_oblique(&self, word: usize) -> bool {
        is_of(OBLIQUE, self.folded(word))
    }

    /// Whether a word makes a firm, a street or a day of the name before it.
    pub(super) fn is_of_thing(&self, word: usize) -> bool {
        is_of(FIRMS, self.folded(word)) || is_of(TIMES, self.folded(word))
    }
}
