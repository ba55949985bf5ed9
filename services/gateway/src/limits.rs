//! How often one address may ask. Real time; kept in memory, per copy: two copies allow twice as much, which is enough against guessing.

use duban_contracts::Problem;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The limits. Cheap to clone.
#[derive(Clone)]
pub struct AddressLimits(Arc<Limiters>);

struct Limiters {
    look_ups: DefaultKeyedRateLimiter<IpAddr>,
    forms: DefaultKeyedRateLimiter<IpAddr>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
    login_names: DefaultKeyedRateLimiter<String>,
}

/// So much of a name that is nobody's is remembered, however long it is.
const LONGEST_NAME: usize = 100;

impl AddressLimits {
    pub fn new(look_ups: u32, forms: u32, logins: u32) -> Self {
        let per_minute = |n: u32| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self(Arc::new(Limiters {
            look_ups: RateLimiter::keyed(per_minute(look_ups)),
            forms: RateLimiter::keyed(per_minute(forms)),
            logins: RateLimiter::keyed(per_minute(logins)),
            login_names: RateLimiter::keyed(per_minute(logins.div_ceil(2))),
        }))
    }

    /// A look-up of a tracking code or a link.
    ///
    /// # Errors
    /// 429.
    pub fn look_up(&self, address: IpAddr) -> Result<(), Problem> {
        self.0.look_ups.check_key(&network(address)).map_err(|_| too_many())
    }

    /// A report by the public form.
    ///
    /// # Errors
    /// 429.
    pub fn public_form(&self, address: IpAddr) -> Result<(), Problem> {
        self.0.forms.check_key(&network(address)).map_err(|_| too_many())
    }

    /// A try to log in: limited by address, against trying many people, and by person, against trying one from many addresses. Where the
    /// name is nobody's, by the name, so that the answer does not tell the two apart.
    ///
    /// # Errors
    /// 429.
    pub fn login(&self, address: IpAddr, person: Option<&str>, name: &str) -> Result<(), Problem> {
        self.0.logins.check_key(&network(address)).map_err(|_| too_many())?;
        let key = person.map_or_else(|| name.trim().chars().take(LONGEST_NAME).collect::<String>().to_lowercase(), str::to_owned);
        self.0.login_names.check_key(&key).map_err(|_| too_many())
    }

    /// Forgets addresses that have been quiet. Called now and then.
    pub fn tidy(&self) {
        let limiters = &self.0;
        for limiter in [&limiters.look_ups, &limiters.forms, &limiters.logins] {
            limiter.retain_recent();
        }
        limiters.login_names.retain_recent();
    }
}

/// One household has a whole /64 of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

fn too_many() -> Problem {
    Problem::new(429, "too-many", "Too many requests from this address; try again in a minute", "请求过于频繁，请一分钟后再试")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stopped_and_its_neighbour_is_not() {
        let limits = AddressLimits::new(2, 1, 4);
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!(limits.look_up(a).is_ok() && limits.look_up(a).is_ok());
        assert_eq!(limits.look_up(a).unwrap_err().status, 429);
        assert!(limits.look_up(b).is_ok());
    }

    #[test]
    fn one_household_is_one_address() {
        let limits = AddressLimits::new(1, 1, 1);
        assert!(limits.public_form("2001:db8::1".parse().unwrap()).is_ok());
        assert!(limits.public_form("2001:db8::2".parse().unwrap()).is_err());
        assert!(limits.public_form("2001:db8:0:1::2".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_name_is_limited_from_however_many_addresses() {
        let limits = AddressLimits::new(1, 1, 4);
        let tries = (0..3u8).filter(|n| limits.login(IpAddr::from([192, 0, 2, *n]), None, "Wang").is_ok()).count();
        assert_eq!(tries, 2);
    }

    #[test]
    fn a_person_is_limited_under_whichever_of_his_names_and_a_strange_name_however_it_is_written() {
        let limits = AddressLimits::new(1, 1, 4);
        let names = ["wang", " wang", "wang ", "Wang@duban.example", "\twang@duban.example"];
        let tries = |person: Option<&str>, names: &[String], net: u8| {
            let from = |n: usize| IpAddr::from([198, 51, net, u8::try_from(n).unwrap()]);
            names.iter().enumerate().filter(|(n, name)| limits.login(from(*n), person, name).is_ok()).count()
        };
        assert_eq!(tries(Some("wang"), &names.map(str::to_owned), 1), 2);
        assert_eq!(tries(None, &["nobody", "NOBODY ", " nobody", "nobody\n"].map(str::to_owned), 2), 2);
        let long = |tail: &str| format!("{}{tail}", "长".repeat(100));
        assert_eq!(tries(None, &[long("a"), long("b"), long("c")], 3), 2);
    }
}
