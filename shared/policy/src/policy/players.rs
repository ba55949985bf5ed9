//! Who plays a pack's roles, in words: what the organisation wrote under `[[plays]]`, else the posts that bear the role's own name.

use super::{Pack, Policy};
use crate::Title;
use std::collections::BTreeSet;

impl Policy {
    /// The posts that play a role: those named for everywhere and where units differ. Without a post for everywhere it is whoever holds the
    /// post of the role's own name, looked for from the unit upwards; where no unit in which the pack is bound finds one, it is nobody.
    pub(super) fn players(&self, pack: &Pack, role: &str) -> Title {
        let plays = self.plays.iter().filter(|plays| plays.pack == pack.id);
        let named: Vec<_> = plays.filter_map(|plays| Some((plays.unit.as_deref(), self.posts_words(plays.roles.get(role)?)))).collect();
        let is_named_everywhere = named.iter().any(|(unit, _)| unit.is_none());
        let mut said: Vec<Title> = Vec::new();
        for (unit, posts) in &named {
            said.push(match unit.and_then(|code| self.tree.unit(code)) {
                Some(unit) => Title::new(format!("{}：{}", unit.title.zh, posts.zh), format!("{}: {}", unit.title.en, posts.en)),
                None => posts.clone(),
            });
        }
        if !is_named_everywhere {
            let otherwise = self.of_its_own_name(pack, role);
            let elsewhere = Title::new(format!("其他单位：{}", otherwise.zh), format!("elsewhere: {}", otherwise.en));
            said.push(if named.is_empty() { otherwise } else { elsewhere });
        }
        let all = |of: fn(&Title) -> &str, between: &str| said.iter().map(of).collect::<Vec<_>>().join(between);
        Title::new(all(|title| &title.zh, "；"), all(|title| &title.en, "; "))
    }

    fn of_its_own_name(&self, pack: &Pack, role: &str) -> Title {
        let bound = self.bindings.iter().filter(|binding| binding.pack == pack.id);
        let units: BTreeSet<&str> = bound.flat_map(|binding| self.tree.unit_and_below(&binding.unit)).collect();
        match units.into_iter().find_map(|unit| self.tree.find_post(role, unit)) {
            Some(post) => Title::new(
                format!("岗位“{}”，自本单位逐级向上找", post.title.zh),
                format!("the post '{}', looked for from the unit upwards", post.title.en),
            ),
            None => Title::new("无人担任", "nobody"),
        }
    }

    /// By their titles, the first that is there before the others: `店长 / 集团投诉专员`.
    fn posts_words(&self, posts: &[String]) -> Title {
        let titles: Vec<Title> = posts.iter().map(|post| self.post_title(post)).collect();
        let all = |of: fn(&Title) -> &str| titles.iter().map(of).collect::<Vec<_>>().join(" / ");
        Title::new(all(|title| &title.zh), all(|title| &title.en))
    }

    /// A certain post with its unit, a role by the title that its posts have.
    fn post_title(&self, post: &str) -> Title {
        if let Some(known) = self.tree.post(post) {
            return self.tree.post_title(known);
        }
        let of_role = self.tree.posts().find(|known| known.role == post);
        of_role.map_or_else(|| Title::new(post, post), |known| known.title.clone())
    }
}
