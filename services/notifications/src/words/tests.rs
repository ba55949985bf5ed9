use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn letter(language: Language) -> Letter {
    let zh = language == Language::Chinese;
    let pick = |zh_words: &str, en: &str| if zh { zh_words.to_owned() } else { en.to_owned() };
    Letter {
        language,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        urgency: Urgency::Overdue,
        occasion: Occasion::Clock,
        overdue: true,
        name: "王伟".into(),
        post: pick("店长", "store manager"),
        instead: String::new(),
        owed_by: String::new(),
        title: pick("核实客户资料 TS-BJ01-2026-0007", "Check the customer's data, TS-BJ01-2026-0007"),
        number: "TS-BJ01-2026-0007".into(),
        unit: pick("北京朝阳4S店", "Beijing Chaoyang 4S store"),
        pack: pick("4S店客户投诉管理", "Customer complaints at car dealers"),
        article: "2.3".into(),
        due_at: at("2026-11-23T06:30:00Z"),
        raised_at: at("2026-11-23T09:45:00Z"),
        late: false,
        rung: 1,
        repetition: 0,
        others: Vec::new(),
        next: Some((at("2026-11-24T02:00:00Z"), vec![pick("集团品牌事业部总监", "brand director, Group")])),
        acknowledge_url: "https://duban.example/a/token".into(),
        page_url: "https://duban.example/cases/1".into(),
    }
}

/// To a superior: reminder, deputy, several told, nobody above, late.
fn other_letter(language: Language) -> Letter {
    let zh = language == Language::Chinese;
    let pick = |zh_words: &str, en: &str| if zh { zh_words.to_owned() } else { en.to_owned() };
    Letter {
        urgency: Urgency::DueSoon,
        overdue: false,
        instead: pick("店长空缺或离岗，由代理人负责。", "It comes to you as deputy."),
        owed_by: pick("受理员", "receiver"),
        title: pick("核实客户资料", "Check the customer's data"),
        article: String::new(),
        raised_at: at("2026-11-22T06:30:00Z"),
        late: true,
        rung: -2,
        repetition: 1,
        others: vec![pick("李强（受理员）", "Li Qiang (receiver)")],
        next: None,
        ..letter(language)
    }
}

#[test]
fn who_is_urged_or_waited_for_reads_so() {
    for (sort, zh, en) in [
        ("urge", ["【督办·催办】", "上级催办", "请王伟（店长）"], ["[Duban, urged]", "A superior urges", "please finish"]),
        ("awaited", ["【督办·临期】", "该事项正等待您", "已暂停计时"], ["[Duban, due soon]", "waits for you", "clock is stopped"]),
    ] {
        for (language, words) in [(Language::Chinese, zh), (Language::English, en)] {
            let (occasion, urgency) = (Occasion::of(sort), Urgency::of(sort, true));
            let text = whole(&Letter { occasion, urgency, overdue: false, rung: 0, ..letter(language) });
            for word in words {
                assert!(text.contains(word), "{word} is not in:\n{text}");
            }
        }
    }
}

fn whole(letter: &Letter) -> String {
    format!("{}\n\n{}", subject(letter), plain(&paragraphs(letter)))
}

#[test]
fn a_breach_reads_well_in_chinese() {
    insta::assert_snapshot!(whole(&letter(Language::Chinese)));
}

#[test]
fn a_breach_reads_well_in_english() {
    insta::assert_snapshot!(whole(&letter(Language::English)));
}

#[test]
fn a_reminder_to_a_superior_reads_well_in_chinese() {
    insta::assert_snapshot!(whole(&other_letter(Language::Chinese)));
}

#[test]
fn a_reminder_to_a_superior_reads_well_in_english() {
    insta::assert_snapshot!(whole(&other_letter(Language::English)));
}

#[test]
fn html_is_as_expected() {
    let letter = letter(Language::Chinese);
    insta::assert_snapshot!(html(&paragraphs(&letter), &subject(&letter), letter.urgency));
}

#[test]
fn plain_text_and_html_say_the_same() {
    for letter in [letter(Language::Chinese), other_letter(Language::English)] {
        let said = paragraphs(&letter);
        let (text, page) = (plain(&said), html(&said, &subject(&letter), letter.urgency));
        let unescaped = page.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'");
        let sentences = [
            &said.wanted,
            &said.reason,
            &said.story[0],
            &said.story[1],
            &said.story[2],
            &said.next,
            &said.footer,
            &said.acknowledge.1,
            &said.page.1,
        ];
        for sentence in sentences {
            assert!(text.contains(sentence.as_str()), "{sentence}");
            assert!(unescaped.contains(sentence.as_str()), "{sentence}");
        }
    }
}

#[test]
fn what_a_title_says_is_no_markup() {
    let mut letter = letter(Language::Chinese);
    letter.title = "<script>alert(1)</script>".into();
    assert!(!html(&paragraphs(&letter), &subject(&letter), letter.urgency).contains("<script>"));
}

#[test]
fn a_subject_is_the_same_through_a_thread() {
    let first = letter(Language::Chinese);
    let mut again = letter(Language::Chinese);
    again.repetition = 3;
    again.raised_at = at("2026-11-23T12:45:00Z");
    again.others = vec!["李强（受理员）".into()];
    assert_eq!(subject(&first), subject(&again));
    assert_eq!(subject(&other_letter(Language::Chinese)), "【督办·临期】TS-BJ01-2026-0007 核实客户资料");
}
