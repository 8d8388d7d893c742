// SPDX-License-Identifier: Apache-2.0
// What the console's routes have in common: who asks, forms, and what may be answered.
#pragma once

#include "http/routes/ops.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http::ops_frame {

using form = std::map<std::string, std::string>;

response page(int status, std::string html);
response json_answer(int status, const boost::json::value& what);
response see_other(std::string where);
response not_found();

/// The request came to the host of the base URL, which is https.
bool is_secure(const console_desk& desk, const request& asked);
std::string cookie_line(bool secure, std::string_view value, std::chrono::seconds life);
std::optional<operator_session> session_of(const console_desk& desk, const request& asked);
/// A browser says where a post comes from; what is not a browser has neither header, and needs the form's token all the same.
bool from_here(const request& asked);
/// The fields of a form, decoded as a query is.
form form_of(const request& asked);
std::string field(const form& of, const char* name);
views::console_visitor visitor_of(const console_desk& desk, const request& asked, const operator_session& who);

/// A post of somebody who has entered, from a page of ours.
std::function<void(const request&, reply_ptr)>
guarded(std::shared_ptr<const console_desk> desk,
        std::function<void(const request&, const operator_session&, const form&, const reply_ptr&)> then);

} // namespace lyceum::http::ops_frame
