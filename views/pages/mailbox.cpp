// SPDX-License-Identifier: Apache-2.0
#include "views/pages/mailbox.hpp"

#include "views/model.hpp"
#include "views/page_model.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

constexpr std::size_t links_max = 20;

model::object row_model(const mailbox_row& row) {
  return {{"url", row.url},
          {"subject", row.subject.empty() ? "(no subject)" : row.subject},
          {"to", row.to},
          {"template", row.template_name},
          {"time", utc_words(row.kept_at)},
          {"time_iso", utc_text(row.kept_at)}};
}

} // namespace

std::vector<std::string> links_of(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; found.size() < links_max && (at = text.find("http", at)) != std::string_view::npos;) {
    auto link = text.substr(at);
    link = link.substr(0, std::min(link.find_first_of(" \t\r\n<>\"'()[]{}"), link.size()));
    at += link.size();
    while (!link.empty() && std::string_view(".,;:!?").find(link.back()) != std::string_view::npos)
      link.remove_suffix(1);
    const bool whole =
        (link.starts_with("http://") && link.size() > 7) || (link.starts_with("https://") && link.size() > 8);
    if (whole && std::ranges::find(found, link) == found.end())
      found.emplace_back(link);
  }
  return found;
}

std::string mailbox_page(const site_view& view, const std::vector<mailbox_row>& newest_first) {
  page_facts facts;
  facts.title = "Mailbox";
  facts.description = "Mails that were kept on this machine instead of being sent.";
  const auto rows = make_list(newest_first, [](const mailbox_row& one) { return model(row_model(one)); });
  return render_page(
      view, "mailbox", facts,
      {{"mails", rows}, {"has_mails", !newest_first.empty()}, {"clear_url", mailbox_url + std::string("/clearing")}});
}

std::string mailbox_mail_page(const site_view& view, const mailbox_mail& mail) {
  page_facts facts;
  facts.title = mail.row.subject;
  auto own = row_model(mail.row);
  const auto links = links_of(mail.text);
  own.merge(model::object{{"mailbox_url", mailbox_url},
                          {"from", mail.from},
                          {"html_url", mail.html_url},
                          {"text", mail.text},
                          {"source", mail.source},
                          {"has_links", !links.empty()},
                          {"links", make_list(links, [](const std::string& one) {
                             return model(model::object{{"url", url::safe(one)}, {"text", one}});
                           })}});
  return render_page(view, "mailbox_mail", facts, std::move(own));
}

} // namespace lyceum::views
