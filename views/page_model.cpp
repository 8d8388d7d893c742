// SPDX-License-Identifier: Apache-2.0
#include "views/page_model.hpp"
#include "views/inline_code.hpp"

#include "views/languages.hpp"
#include "views/texts.hpp"
#include "views/theme.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

// An author writes "/courses" in site.toml once: on a French page it leads to the French courses.
std::string in_language(const site_view& view, const std::string& link) {
  const auto& home = view.site.language;
  if (link == url::home(home, home))
    return url::home(view.language, home);
  if (link == url::courses(home, home))
    return url::courses(view.language, home);
  if (link == url::articles(home, home))
    return url::articles(view.language, home);
  return url::safe(link);
}

model::list navigation(const site_view& view, const std::string& here) {
  const auto entry = [&](const std::string& title, const std::string& link, bool own_words) {
    return model::object{
        {"title", title},
        {"url", link},
        {"current", link == here},
        {"lang", own_words && view.site.language != view.language ? canonical_tag(view.site.language) : ""}};
  };
  if (view.site.navigation.empty())
    return {entry(phrase(view.language, "courses"), url::courses(view.language, view.site.language), false),
            entry(phrase(view.language, "articles"), url::articles(view.language, view.site.language), false)};
  return make_list(view.site.navigation,
                   [&](const nav_entry& n) { return entry(n.title, in_language(view, n.url), true); });
}

model::list language_switch(const site_view& view, const std::vector<alternate>& languages) {
  if (languages.size() < 2)
    return {};
  return make_list(languages, [&](const alternate& a) {
    return model::object{{"name", native_name(a.language)},
                         {"lang", canonical_tag(a.language)},
                         {"dir", direction(a.language)},
                         {"url", a.path},
                         {"current", a.language == view.language}};
  });
}

model::list hreflang(const site_view& view, const std::vector<alternate>& languages) {
  if (languages.size() < 2)
    return {};
  model::list out = make_list(languages, [&](const alternate& a) {
    return model::object{{"lang", canonical_tag(a.language)}, {"url", absolute(view, a.path)}};
  });
  for (const auto& a : languages)
    if (a.language == view.site.language)
      out.emplace_back(model::object{{"lang", "x-default"}, {"url", absolute(view, a.path)}});
  return out;
}

// Rendered HTML is kept by its text alone, and so has English titles where an author gives a callout none: the page, which knows
// the language, puts its own word there, or says that the word is English.
std::string with_callout_titles(std::string html, std::string_view language) {
  const auto spoken = interface_language(language);
  const bool own = language.starts_with(spoken);
  for (const char* kind : {"callout_note", "callout_tip", "callout_important", "callout_warning", "callout_caution"}) {
    const auto written = "<p class=\"callout-title\">" + phrase("en", kind) + "</p>";
    const auto wanted = own ? "<p class=\"callout-title\">" + phrase(language, kind) + "</p>"
                            : "<p class=\"callout-title\" lang=\"en\">" + phrase("en", kind) + "</p>";
    for (auto at = html.find(written); at != std::string::npos; at = html.find(written, at + wanted.size()))
      html.replace(at, written.size(), wanted);
  }
  return html;
}

void name_callouts(model::object& own, std::string_view language) {
  if (interface_language(language) == "en" && language.starts_with("en"))
    return;
  const auto text_of = [&](std::string_view name) {
    const auto found = own.find(name);
    const auto* text = found == own.end() ? nullptr : std::get_if<std::string>(&found->second.value());
    return text == nullptr ? std::string{} : *text;
  };
  if (!text_of("words_lang").empty()) // the text is in another language than the page
    return;
  for (const std::string name : {"text_html", "introduction_html"})
    if (auto html = text_of(name); !html.empty())
      own.insert_or_assign(name, with_callout_titles(std::move(html), language));
}

} // namespace

std::string absolute(const site_view& view, std::string_view path) {
  return view.base_url + std::string{path};
}

std::string render_page(const site_view& view, std::string_view page, const page_facts& facts, model::object own) {
  const auto& site = view.site;
  const auto spoken = interface_language(view.language);
  const auto title = without_code_marks(facts.title);
  const bool plain_title = facts.title.empty() || facts.title == site.title;
  name_callouts(own, view.language);
  own.merge(model::object{
      {"lang", canonical_tag(view.language)},
      {"dir", direction(view.language)},
      {"ui_lang", spoken == view.language.substr(0, view.language.find('-')) ? "" : spoken},
      {"ui_dir", direction(spoken)},
      {"site_lang", site.language == view.language ? "" : canonical_tag(site.language)},
      {"site_title", site.title},
      {"page_title", plain_title ? site.title : title},
      {"full_title", plain_title ? site.title : title + " · " + site.title},
      {"description", without_code_marks(facts.description)},
      {"canonical", facts.path.empty() ? "" : absolute(view, facts.path)},
      {"hreflangs", hreflang(view, facts.languages)},
      {"og_type", facts.kind},
      {"og_image", facts.image.empty() || view.base_url.empty() ? "" : absolute(view, facts.image)},
      {"og_url", facts.path.empty() || view.base_url.empty() ? "" : absolute(view, facts.path)},
      {"previous_page", facts.previous},
      {"next_page", facts.next},
      {"structured_data_html", facts.structured_data},
      {"accent_url", accent_url(site)},
      {"home_url", url::home(view.language, site.language)},
      {"account_url", url::prefix(view.language, site.language) + "/account"},
      {"sign_in_url", url::prefix(view.language, site.language) + "/sign-in"},
      {"sign_in_here_url", url::prefix(view.language, site.language) + "/sign-in" +
                               (facts.path.empty() ? "" : "?to=" + url::segment(facts.path))},
      {"at_home", facts.path == url::home(view.language, site.language)},
      {"navigation", navigation(view, facts.path)},
      {"has_languages", facts.languages.size() > 1},
      {"languages", language_switch(view, facts.languages)},
      {"language_name", native_name(view.language)},
      {"feed_url", url::feed(view.language, site.language)},
      {"atom_url", url::atom(view.language, site.language)},
      {"site_author", site.author},
  });
  return view.look->render(page, model{std::move(own)}, view.language);
}

std::string access_label(std::string_view language, const access& what) {
  switch (what.who) {
  case access::kind::everyone:
    return {};
  case access::kind::members:
    return phrase(language, "for_members");
  case access::kind::paid:
    return phrase(language, "for_paid");
  case access::kind::plan:
    return phrase(language, "for_plan", {{"plan", what.plan}});
  }
  return {};
}

lock lock_for(const rendered_text& text, const viewer& who, const access& what) {
  if (may_read(who, what))
    return {true, false, text.html, text.headings, {}};
  const bool guest = who.tier == access::kind::everyone && !who.staff;
  lock out{false, guest, text.has_more ? text.free_html : std::string{}, {}, {}};
  for (const auto& h : text.headings) {
    // A heading belongs to the free part when its anchor stands there.
    if (out.html.find("id=\"" + h.id + "\"") != std::string::npos)
      out.contents.push_back(h);
    else if (h.level == 2)
      out.rest.push_back(h);
  }
  return out;
}

model lock_card(std::string_view language, const lock& part, const access& what, std::string film_length,
                std::string next_free_title, std::string next_free_url) {
  const auto key = [&]() -> std::string {
    const std::string start = part.html.empty() ? "locked_all_" : "locked_";
    if (what.who == access::kind::members)
      return start + "members";
    return start + (what.who == access::kind::plan ? "plan" : "paid");
  }();
  model::list rest = make_list(part.rest, [](const heading& h) { return model::object{{"item", h.title}}; });
  if (!film_length.empty())
    rest.emplace_back(model::object{{"item", phrase(language, "locked_video", {{"d", film_length}})}});
  return model::object{{"lock_title", phrase(language, key, {{"plan", what.plan}})},
                       {"guest", part.guest},
                       {"has_rest", !rest.empty()},
                       {"rest", std::move(rest)},
                       {"next_free_title", std::move(next_free_title)},
                       {"next_free_url", std::move(next_free_url)}};
}

model contents_model(const std::vector<heading>& headings) {
  const auto top = std::count_if(headings.begin(), headings.end(), [](const heading& h) { return h.level <= 3; });
  if (top < 3)
    return false;
  model::list items;
  for (const auto& h : headings)
    if (h.level <= 3)
      items.emplace_back(
          model::object{{"heading", h.title}, {"heading_url", url::fragment(h.id)}, {"deeper", h.level == 3}});
  return model::object{{"items", std::move(items)}};
}

model article_row(const site_view& view, const article& a) {
  return model::object{{"title_html", inline_code_html(a.title)},
                       {"summary_html", inline_code_html(a.summary)},
                       {"url", url::article(a.slug, a.language, view.site.language)},
                       {"date", date_text(view.language, a.published_at, view.site.timezone)},
                       {"date_iso", iso_date(a.published_at, view.site.timezone)},
                       {"reading", a.reading_minutes > 0 ? minutes(view.language, a.reading_minutes) : ""},
                       {"access", access_label(view.language, a.who)}};
}

void add_words_language(const site_view& view, const course& c, model::object& to) {
  const bool other = !c.words_language.empty() && c.words_language != view.language;
  to.insert_or_assign("words_lang", other ? canonical_tag(c.words_language) : std::string{});
  to.insert_or_assign("words_dir", std::string(direction(c.words_language)));
}

model course_row(const site_view& view, const course& c) {
  const int count = c.lessons.empty() ? c.lesson_count : static_cast<int>(c.lessons.size());
  model::object row{{"title_html", inline_code_html(c.title)},
                    {"summary_html", inline_code_html(c.summary)},
                    {"url", url::course(c.slug, c.language, view.site.language)},
                    {"count", counted(view.language, "lessons", count)},
                    {"access", access_label(view.language, c.who)}};
  add_words_language(view, c, row);
  return row;
}

} // namespace lyceum::views
