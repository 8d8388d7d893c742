// SPDX-License-Identifier: Apache-2.0
// Answers as people read them.
#pragma once

#include "ops/commands/ctl_words.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace lyceum::ops {

/// What a terminal shows of text from elsewhere: no control characters, at most `max` characters.
std::string shown(std::string_view text, std::size_t max = 100);
/// Characters, not bytes.
std::size_t width(std::string_view text);
/// "850 ms", "12 s", "3 min", "5 h", "2 d"
std::string span_text(std::int64_t ms);

/// A member as text, or as a number; "" and 0 where it is missing.
std::string field(const boost::json::object& o, std::string_view name);
std::int64_t number(const boost::json::object& o, std::string_view name);

/// What is worth a word about a node: what is noticed while it is away, when it is tried again, what hangs.
std::string node_note(const boost::json::object& node);
/// "2/5", or the number alone where there is no budget.
std::string node_restarts(const boost::json::object& node);

/// The whole answer, on standard output.
void print_for_people(const ctl_question& q, const boost::json::value& answer);
/// One event of a trace or a drill, a line.
std::string event_text(const boost::json::object& event);

} // namespace lyceum::ops
