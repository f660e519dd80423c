//! Families over generations: sons and daughters of one family found the next.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::national_id::Issuer;
use super::{Chain, Home, Marital, Person, Phone, Sex};
use crate::dice::Dice;
use crate::vocabulary::{Community, NameId, Vocabulary};

/// Share of the families that are Coptic, and draw from names of their own.
const COPTIC: f64 = 0.09;
/// Share of families that have a family name; the others end in the great-grandfather's name.
const WITH_FAMILY_NAME: f64 = 0.55;
/// Share of men called "Mohamed X" by their papers.
const COMPOUND: f64 = 0.04;
/// Share of younger siblings born on the same day as the one before.
const TWIN: f64 = 0.012;
/// Share of families that have one telephone for all.
const HOUSEHOLD_PHONE: f64 = 0.10;
/// Share of people who own two numbers.
const TWO_PHONES: f64 = 0.30;
/// Share of people who moved house.
const MOVED: f64 = 0.12;
/// The last day on which anybody is born.
const LAST_BIRTH: Date = date(2025, 6, 30);

/// Returns `count` people, family by family.
pub(super) fn people(words: &Vocabulary, count: u32, dice: Dice) -> Vec<Person> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut town = Town {
        words,
        dice,
        people: Vec::with_capacity(count + 16),
        single_men: [Vec::new(), Vec::new()],
        single_women: [Vec::new(), Vec::new()],
        issuer: Issuer::default(),
        households: 0,
    };
    while town.people.len() < count {
        town.found_family();
    }
    town.people.truncate(count);
    for person in &mut town.people {
        person.mother_number = person
            .mother_number
            .filter(|mother| in_town(*mother, count));
        person.father_number = person
            .father_number
            .filter(|father| in_town(*father, count));
        if !in_town(person.neighbour, count) {
            person.neighbour = 0;
        }
    }
    town.people
}

fn in_town(number: u32, count: usize) -> bool {
    usize::try_from(number).is_ok_and(|number| number < count)
}

struct Town<'a> {
    words: &'a Vocabulary,
    dice: Dice,
    people: Vec<Person>,
    /// Grown sons and daughters who may marry, by community.
    single_men: [Vec<u32>; 2],
    single_women: [Vec<u32>; 2],
    issuer: Issuer,
    households: u32,
}

/// One of a couple: perhaps one of the people, or known by name only.
struct Parent {
    chain: Chain,
    birth: Date,
    number: Option<u32>,
    governorate: usize,
}

/// What the members of a family share.
struct Family {
    coptic: bool,
    household: u32,
    home: Home,
    phone: Option<Phone>,
}

impl Town<'_> {
    fn found_family(&mut self) {
        let coptic = self.dice.chance(COPTIC);
        let father = self.father(coptic);
        let mother = self.mother(coptic, &father);
        let governorate = if self.dice.chance(0.85) {
            father.governorate
        } else {
            self.words.draw_governorate(&mut self.dice)
        };
        let family = Family {
            coptic,
            household: self.households,
            home: self.home_in(governorate),
            phone: self
                .dice
                .chance(HOUSEHOLD_PHONE)
                .then(|| Phone::draw(&mut self.dice)),
        };
        self.households += 1;
        let father = self.settle(father, Sex::Male, &family);
        let mother = self.settle(mother, Sex::Female, &family);
        self.children(&father, &mother, &family);
    }

    /// A grown son of the town, or a founder who comes from elsewhere.
    fn father(&mut self, coptic: bool) -> Parent {
        let sons = &mut self.single_men[usize::from(coptic)];
        if sons.len() > 4 && self.dice.chance(0.45) {
            let number = sons.swap_remove(self.dice.below(sons.len()));
            return self.parent_of_town(number);
        }
        let youth = self.dice.unit().max(self.dice.unit());
        let eldest = day_between(date(1938, 1, 1), date(2018, 12, 31), youth);
        let age = self.dice.within(22 * 365..38 * 365);
        self.founder(coptic, Sex::Male, before(eldest, age))
    }

    /// A grown daughter of the town of a fitting age, or a woman who comes from elsewhere.
    fn mother(&mut self, coptic: bool, father: &Parent) -> Parent {
        let daughters = &self.single_women[usize::from(coptic)];
        if !daughters.is_empty() && self.dice.chance(0.6) {
            for _ in 0..12 {
                let place = self.dice.below(daughters.len());
                let number = daughters[place];
                let bride = &self.people[index(number)];
                let years = bride.birth.year() - father.birth.year();
                let groom = father.number.map(|n| self.people[index(n)].household);
                if (-1..=12).contains(&years) && groom != Some(bride.household) {
                    self.single_women[usize::from(coptic)].swap_remove(place);
                    return self.parent_of_town(number);
                }
            }
        }
        let younger = self.dice.within(-365..9 * 365);
        self.founder(coptic, Sex::Female, after(father.birth, younger))
    }

    fn parent_of_town(&self, number: u32) -> Parent {
        let person = &self.people[index(number)];
        Parent {
            chain: person.chain,
            birth: person.birth,
            number: Some(number),
            governorate: person.home.governorate,
        }
    }

    fn founder(&mut self, coptic: bool, sex: Sex, birth: Date) -> Parent {
        let names = names(coptic);
        let given = match sex {
            Sex::Male => names.male.draw(&mut self.dice),
            Sex::Female => names.female.draw(&mut self.dice),
        };
        let family = self.dice.chance(WITH_FAMILY_NAME);
        Parent {
            chain: Chain {
                given,
                father: names.male.draw(&mut self.dice),
                grandfather: names.male.draw(&mut self.dice),
                great_grandfather: names.male.draw(&mut self.dice),
                family: family.then(|| names.family.draw(&mut self.dice)),
            },
            birth,
            number: None,
            governorate: self.words.draw_governorate(&mut self.dice),
        }
    }

    /// Makes a parent one of the household; a founder becomes one of the people if they may still
    /// be alive and came with papers.
    fn settle(&mut self, mut parent: Parent, sex: Sex, family: &Family) -> Parent {
        let marital = [Marital::Married, Marital::Divorced, Marital::Widowed]
            [self.dice.weighted(&[0.88, 0.06, 0.06])];
        if let Some(number) = parent.number {
            let person = &mut self.people[index(number)];
            person.home = family.home;
            person.household = family.household;
            person.household_phone = family.phone;
            person.marital = marital;
        } else if parent.birth.year() >= 1928 && self.dice.chance(0.6) {
            let mother = self.founder(family.coptic, Sex::Female, parent.birth).chain;
            let number = self.add(parent.chain, parent.birth, sex, mother, family);
            let person = &mut self.people[index(number)];
            person.born_in = parent.governorate;
            person.marital = marital;
            parent.number = Some(number);
        }
        parent
    }

    fn children(&mut self, father: &Parent, mother: &Parent, family: &Family) {
        let size = 1 + self.dice.weighted(&[0.35, 0.25, 0.20, 0.12, 0.08]);
        let age = self.dice.within(22 * 365..36 * 365);
        let mut birth = after(father.birth, age).max(after(mother.birth, 18 * 365));
        let mut taken: Vec<NameId> = Vec::with_capacity(size);
        for place in 0..size {
            if place > 0 && !self.dice.chance(TWIN) {
                birth = after(birth, self.dice.within(330..1_800));
            }
            if birth > LAST_BIRTH {
                break;
            }
            let sex = if self.dice.chance(0.5) {
                Sex::Male
            } else {
                Sex::Female
            };
            let given = self.given_name(sex, family.coptic, &taken);
            taken.push(given);
            let chain = father.chain.child(given);
            let number = self.add(chain, birth, sex, mother.chain, family);
            let child = &mut self.people[index(number)];
            child.father_number = father.number;
            child.mother_number = mother.number;
            if place > 0 {
                child.neighbour = number - 1;
            }
            if place == 1 {
                self.people[index(number - 1)].neighbour = number;
            }
            if birth.year() <= 1999 {
                match sex {
                    Sex::Male => self.single_men[usize::from(family.coptic)].push(number),
                    Sex::Female => self.single_women[usize::from(family.coptic)].push(number),
                }
            }
        }
    }

    /// Draws a name; siblings rarely share one.
    fn given_name(&mut self, sex: Sex, coptic: bool, taken: &[NameId]) -> NameId {
        let names = names(coptic);
        let pool = match sex {
            Sex::Male => &names.male,
            Sex::Female => &names.female,
        };
        let mut name = pool.draw(&mut self.dice);
        for _ in 0..6 {
            if !taken.contains(&name) {
                break;
            }
            name = pool.draw(&mut self.dice);
        }
        name
    }

    fn add(&mut self, chain: Chain, birth: Date, sex: Sex, mother: Chain, family: &Family) -> u32 {
        let number = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        let dice = &mut self.dice;
        let muslim_man = sex == Sex::Male && !family.coptic && chain.given != self.words.mohamed;
        let compound = muslim_man && dice.chance(COMPOUND);
        let born_in = family.home.governorate;
        let code = self.words.governorates[born_in].number;
        let dies = birth.year() < 1955 && dice.chance(0.15);
        let death = dies.then(|| day_between(date(2000, 1, 1), date(2024, 12, 31), dice.unit()));
        let grown_alone = birth.year() < 1995 && dice.chance(0.5);
        let phone = Phone::draw(dice);
        let second_phone = dice.chance(TWO_PHONES).then(|| Phone::draw(dice));
        let national_id = self.issuer.issue(birth, code, sex, dice);
        let moved = self.moved(family.home);
        self.people.push(Person {
            chain,
            compound,
            sex,
            birth,
            death,
            born_in,
            national_id,
            marital: if grown_alone {
                Marital::Married
            } else {
                Marital::Single
            },
            mother,
            mother_number: None,
            father_number: None,
            household: family.household,
            home: family.home,
            moved,
            phone,
            second_phone,
            household_phone: family.phone,
            neighbour: number.saturating_sub(1),
        });
        number
    }

    fn moved(&mut self, home: Home) -> Option<(Date, Home)> {
        if !self.dice.chance(MOVED) {
            return None;
        }
        let governorate = if self.dice.chance(0.5) {
            home.governorate
        } else {
            self.words.draw_governorate(&mut self.dice)
        };
        let since = day_between(date(2012, 1, 1), date(2024, 12, 31), self.dice.unit());
        Some((since, self.home_in(governorate)))
    }

    fn home_in(&mut self, governorate: usize) -> Home {
        let districts = self.words.governorates[governorate].districts.len();
        Home {
            governorate,
            district: self.dice.below(districts),
            street: self.dice.below(self.words.streets.len()),
            number: u16::try_from(self.dice.within(1..200)).unwrap_or(1),
        }
    }
}

fn names(coptic: bool) -> &'static Community {
    let all = Vocabulary::shipped();
    if coptic { &all.coptic } else { &all.muslim }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn after(day: Date, days: i64) -> Date {
    day.checked_add(days.days()).unwrap_or(day)
}

fn before(day: Date, days: i64) -> Date {
    after(day, -days)
}

/// Returns the day that lies this share, 0 to 1, of the way between two.
pub(crate) fn day_between(first: Date, last: Date, share: f64) -> Date {
    let span = first.until(last).map_or(0, |span| span.get_days());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of a span of days fits"
    )]
    let days = (f64::from(span) * share) as i64;
    after(first, days)
}
