// SPDX-License-Identifier: Apache-2.0
#include "views/mail.hpp"

#include "views/mail/kinds.hpp"
#include "views/mail/write.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace lyceum::views {
namespace {

std::string lower(std::string_view tag) {
  std::string out{tag};
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The template in the language asked for, a wider one, the school's, or English, which all have.
std::pair<std::string, const mail::source*> nearest_source(const theme& look, std::string_view name,
                                                           std::string_view language, std::string_view of_school) {
  for (const auto& wanted : {lower(language), lower(of_school), std::string{"en"}})
    for (const auto& tag : {wanted, wanted.substr(0, wanted.find('-'))})
      if (const auto* found = tag.empty() ? nullptr : look.find_mail(name, tag))
        return {tag, found};
  return {{}, nullptr};
}

} // namespace

expected<mail_text> render_mail(const theme& look, const mail_site& site, std::string_view template_name,
                                std::string_view language, std::string_view details) {
  const auto* kind = mail::find_kind(template_name);
  if (kind == nullptr)
    return fail(problem::kind::not_found, "there is no mail '" + mail::plain_line(template_name, 64) + "'");
  const auto [spoken, source] = nearest_source(look, template_name, language, site.language);
  if (source == nullptr)
    return fail(problem::kind::not_found, "there is no template of the mail '" + std::string{template_name} + "'");
  const auto values = mail::read_values(*kind, site, spoken, details);
  if (!values)
    return tl::unexpected<problem>(values.error());
  const auto filled = mail::fill(*source, *values);
  return mail_text{filled.subject, mail::write_text(filled, site), mail::write_html(filled, site, spoken)};
}

std::vector<mail_sample> mail_samples() {
  std::vector<mail_sample> out;
  for (const auto& kind : mail::kinds())
    out.push_back({std::string{kind.name}, std::string{kind.sample}});
  return out;
}

} // namespace lyceum::views
