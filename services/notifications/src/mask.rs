//! Addresses as they may be shown: enough to recognise, not enough to use.

/// `wang.wei@duban.example` is `w***@duban.example`. What is no address is hidden whole.
pub fn email(address: &str) -> String {
    match address.trim().split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        _ => "***".to_owned(),
    }
}

/// Scheme and host alone: paths and queries of webhooks often are the secret.
pub fn webhook(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(url) => match url.host_str() {
            Some(host) => format!("{}://{host}/***", url.scheme()),
            None => "***".to_owned(),
        },
        Err(_) => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognisable_and_no_more() {
        assert_eq!(email("wang.wei@duban.example"), "w***@duban.example");
        assert_eq!(email("王伟@例子.公司"), "王***@例子.公司");
        assert_eq!(email("@x"), "***");
        assert_eq!(email("13800002345"), "***");
        assert_eq!(webhook("https://user:pw@hooks.example:8443/T0K3N?key=1"), "https://hooks.example/***");
        assert_eq!(webhook("nonsense"), "***");
    }
}
