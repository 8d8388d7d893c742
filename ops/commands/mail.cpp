// SPDX-License-Identifier: Apache-2.0
// `lyceum mail preview`: what the school's mails say, in the built-in look or a theme's. Needs no server and no database.
#include "ops/commands/commands.hpp"

#include "ops/commands/ctl_tables.hpp"
#include "ops/nearest.hpp"
#include "storage/model/mail.hpp"
#include "views/mail.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace lyceum {
namespace {

namespace json = boost::json;

constexpr std::string_view samples_base_url = "https://school.example"; // in views::mail_samples()

/// At most one byte more than details may have, so that a longer file is told as too long.
std::string read_some(std::istream& in) {
  std::string text(mail_details_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

expected<std::string> read_details(const std::filesystem::path& file) {
  if (file == "-")
    return read_some(std::cin);
  std::ifstream in(file, std::ios::binary);
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(file, ignored))
    return fail(problem::kind::not_found, fmt::format("cannot read {}", ops::shown(file.string())));
  return read_some(in);
}

/// The sample of a template, its links moved to `base_url`.
expected<std::string> sample_of(const std::string& template_name, const std::string& base_url) {
  const auto all = views::mail_samples();
  const auto found = std::ranges::find(all, template_name, &views::mail_sample::template_name);
  if (found == all.end()) {
    std::vector<std::string_view> known;
    std::ranges::transform(all, std::back_inserter(known), &views::mail_sample::template_name);
    return fail(problem::kind::not_found, fmt::format("there is no mail '{}'{}; lyceum mail preview --list shows them",
                                                      ops::shown(template_name), did_you_mean(template_name, known)));
  }
  std::string details = found->details;
  for (auto at = details.find(samples_base_url); at != std::string::npos;
       at = details.find(samples_base_url, at + base_url.size()))
    details.replace(at, samples_base_url.size(), base_url);
  return details;
}

int list_templates(bool as_json) {
  json::array rows;
  for (const auto& one : views::mail_samples()) {
    if (!as_json)
      fmt::print("{}\n", one.template_name);
    rows.push_back({{"template", one.template_name}, {"sample", json::parse(one.details)}});
  }
  if (as_json)
    fmt::print("{}\n", json::serialize(rows));
  return cli::status_done;
}

} // namespace

int run_mail(const cli::mail& how) {
  if (how.list)
    return list_templates(how.json);
  std::string base_url = how.base_url.value_or(std::string(samples_base_url));
  while (base_url.ends_with('/'))
    base_url.pop_back();
  if (!base_url.starts_with("http://") && !base_url.starts_with("https://"))
    return complain("--base-url is no http or https address", cli::status_usage);
  auto details = sample_of(how.template_name, base_url);
  if (details && how.details)
    details = read_details(*how.details);
  if (!details)
    return complain(details.error().detail);
  const auto look = views::load_theme(how.theme);
  if (!look)
    return complain(look.error().detail);
  const views::mail_site site{.title = "A School", .base_url = base_url, .language = "en", .timezone = "UTC"};
  const auto made = views::render_mail(**look, site, how.template_name, how.language.value_or("en"), *details);
  if (!made)
    return complain(made.error().detail);
  if (how.json)
    fmt::print("{}\n",
               json::serialize(json::object{{"subject", made->subject}, {"text", made->text}, {"html", made->html}}));
  else if (how.html)
    fmt::print("{}", made->html);
  else
    fmt::print("Subject: {}\n\n{}", made->subject, made->text);
  return cli::status_done;
}

} // namespace lyceum
