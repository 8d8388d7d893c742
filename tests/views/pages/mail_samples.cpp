// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/mail_samples.hpp"

#include "views/mail/kinds.hpp"

#include <boost/json.hpp>

namespace lyceum::views::samples {

std::vector<mail_case> all_mails() {
  namespace json = boost::json;
  std::vector<mail_case> out;
  for (const auto& one : mail_samples()) {
    const auto full = json::parse(one.details).as_object();
    auto bare = full;
    auto turned = full;
    for (const auto& m : mail::find_kind(one.template_name)->members) {
      if (m.may_be_absent)
        bare.erase(m.name);
      if (m.what == mail::member_kind::flag)
        turned[m.name] = !full.at(m.name).as_bool();
    }
    out.push_back({one.template_name, "full", json::serialize(full)});
    out.push_back({one.template_name, "bare", json::serialize(bare)});
    out.push_back({one.template_name, "turned", json::serialize(turned)});
  }
  return out;
}

mail_site mail_school() {
  return {.title = "A School That Heals",
          .base_url = "https://school.example",
          .language = "en",
          .timezone = "Europe/Ljubljana",
          .accent = "#a8431f"};
}

} // namespace lyceum::views::samples
