// SPDX-License-Identifier: Apache-2.0
// Octets from the control socket to requests, and back to lines. Properties: how the octets are cut does not matter; a line is
// bounded; what is refused asks for nothing; what is taken is within its bounds; whatever was asked, its answer, its event and its
// line in the audit log are each one line of JSON.

#include "supervision/control_protocol.hpp"
#include "supervision/control_audit.hpp"
#include "supervision/control_roles.hpp"
#include "tests/fuzz/check.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace lyceum::supervision;
namespace json = boost::json;

constexpr std::size_t line_max = 512; // of the real 64 KiB, so that short inputs reach it

struct cut {
  std::vector<std::string> lines;
  bool too_long = false;
};

cut lines_of(std::string_view octets, std::size_t piece) {
  cut got;
  control_lines reader(line_max);
  std::string line;
  for (std::size_t at = 0; at < octets.size() && !got.too_long; at += piece) {
    reader.feed(octets.substr(at, piece));
    for (;;) {
      const auto step = reader.next(line);
      got.too_long = step == control_lines::step::too_long;
      if (step != control_lines::step::line)
        break;
      FUZZ_CHECK(!line.empty() && line.size() <= line_max);
      FUZZ_CHECK(line.find('\n') == std::string::npos);
      got.lines.push_back(line);
    }
  }
  return got;
}

/// One line that ends where it ends, and is JSON.
json::object read_back(const std::string& line) {
  FUZZ_CHECK(line.ends_with('\n') && line.find('\n') == line.size() - 1);
  boost::system::error_code bad;
  const auto value = json::parse(line, bad);
  FUZZ_CHECK(!bad && value.is_object());
  return value.as_object();
}

void check_request(const control_line& got) {
  const auto& asked = got.asked;
  FUZZ_CHECK(!asked.command.empty() && asked.command.size() <= 64);
  FUZZ_CHECK(asked.args.size() <= 64);
  FUZZ_CHECK(asked.timeout.count() >= 0 && asked.timeout.count() <= 600'000);
  for (const auto& a : asked.args) {
    FUZZ_CHECK(a.find('\0') == std::string::npos);
    if (const auto time = parse_duration(a))
      FUZZ_CHECK(time->count() >= 0 && time->count() <= 600'000);
  }
  const auto chaos = parse_chaos(asked.args);
  if (const auto* plan = std::get_if<chaos_plan>(&chaos))
    FUZZ_CHECK(plan->every.count() >= 100 && plan->lasting.count() >= 100 && plan->lasting.count() <= 600'000);
  const auto trace = parse_trace(asked.args);
  if (const auto* plan = std::get_if<trace_plan>(&trace))
    FUZZ_CHECK(!plan->path.empty() && plan->lasting.count() <= 600'000);
  if (const auto topics = parse_topics(asked.args))
    FUZZ_CHECK(*topics > 0 && *topics < 16);
  const auto rule = rule_of(asked.command, true);
  FUZZ_CHECK(rule.needs > control_caller::role::viewer && rule.changes);

  audit_entry e;
  e.command = asked.command;
  e.args = asked.args;
  e.result = got.id;
  const auto line = to_json(e) + "\n";
  FUZZ_CHECK(line.size() < 40'000);
  FUZZ_CHECK(read_back(line).at("args").as_array().size() <= 16);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = lines_of(octets, std::max<std::size_t>(1, size));
  const auto pieces = lines_of(octets, 1 + size % 7);
  FUZZ_CHECK(whole.lines == pieces.lines);
  FUZZ_CHECK(whole.too_long == pieces.too_long);

  for (const auto& line : whole.lines) {
    const auto got = parse_control_line(line);
    FUZZ_CHECK(got.id.size() <= 1000);
    FUZZ_CHECK(read_back(answer_line(got.id, {"null", "code", line})).contains("error"));
    FUZZ_CHECK(read_back(answer_line(got.id, {"[\n1]", {}, {}})).contains("ok"));
    FUZZ_CHECK(read_back(event_line(got.id, line, {})).contains("ev"));
    if (got.error.empty())
      check_request(got);
    else
      FUZZ_CHECK(got.asked.command.empty() && got.asked.args.empty());
  }
  return 0;
}
