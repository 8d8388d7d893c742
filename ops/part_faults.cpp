// SPDX-License-Identifier: Apache-2.0
#include "ops/part_faults.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace lyceum {
namespace {

using clock = std::chrono::steady_clock;

void spin(std::chrono::milliseconds time) {
  const auto until = clock::now() + time;
  while (clock::now() < until) {
  }
}

expected<response> fail_part(supervision::system& tree, const request& asked) {
  const std::string path(asked.query_value("path").value_or(""));
  const auto seen = tree.states().below(path);
  if (seen.empty() || seen.front().kind != supervision::node_kind::worker)
    return tl::unexpected(problem{problem::kind::not_found, "no worker at " + path});
  const auto found = tree.named(path).handle();
  if (!found)
    return tl::unexpected(problem{problem::kind::unavailable, path + " is away"});
  const auto to = caf::actor_cast<caf::actor>(found);
  std::int64_t ms = 0;
  if (const auto text = asked.query_value("spin"))
    std::from_chars(text->data(), text->data() + text->size(), ms);
  if (ms > 0)
    supervision::run_in(to, [ms] { spin(std::chrono::milliseconds(std::min<std::int64_t>(ms, 60'000))); });
  else
    supervision::run_in(to, [] { throw std::runtime_error("thrown on purpose, in a part"); });
  response answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "told\n";
  return answer;
}

} // namespace

http::route_list part_faults(supervision::system& tree) {
  http::route made;
  made.method = "GET";
  made.pattern = "/__fault/part";
  made.run = [&tree](const request& asked, storage::db*) { return fail_part(tree, asked); };
  made.needs = db_use::none;
  return {made};
}

expected<views::mail_text> mail_faults(storage::db&, const mail_draft& what, const std::string& details) {
  if (what.template_name == "throws")
    throw std::runtime_error("thrown on purpose, in a mail");
  if (what.template_name == "refused")
    return fail(problem::kind::invalid, "refused on purpose");
  return views::mail_text{
      what.template_name, details + "\nhttp://localhost/courses\n",
      "<!doctype html><html lang=\"en\"><head><title>" + what.template_name +
          "</title></head><body><p>Hello <a href=\"http://localhost/courses\">there</a></p></body></html>"};
}

expected<std::string> fetch_faults(const std::string& url) {
  const char* file = std::getenv("FAULTS_WEBHOOK_CERTIFICATE");
  std::ifstream in(file == nullptr ? "" : file, std::ios::binary);
  if (!in)
    return fail(problem::kind::unavailable, "nothing is at " + url);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

} // namespace lyceum
