// SPDX-License-Identifier: Apache-2.0
#include "storage/mail_details.hpp"

#include <boost/json.hpp>

namespace lyceum::storage {
namespace {

namespace json = boost::json;

constexpr std::string_view member = "sealed";

/// What differs between two mails, each part behind its length: no two mails share a context.
std::string context_of(const mail_draft& draft) {
  std::string made = "mail";
  for (const auto& part : {draft.template_name, draft.cause, mail_address_key(draft.recipient)})
    made += " " + std::to_string(part.size()) + " " + part;
  return made;
}

expected<json::object> object_of(std::string_view text) {
  boost::system::error_code wrong;
  auto read = json::parse(json::string_view(text.data(), text.size()), wrong);
  if (wrong || !read.is_object())
    return fail(problem::kind::invalid, "a mail's details are no JSON object");
  return std::move(read.as_object());
}

} // namespace

expected<void> seal_details(mail_draft& draft, std::string_view secrets, const key_ring& ring) {
  auto open = object_of(draft.details);
  if (!open)
    return tl::unexpected(open.error());
  if (auto checked = object_of(secrets); !checked)
    return tl::unexpected(checked.error());
  auto hidden = ring.seal(context_of(draft), secrets);
  if (!hidden)
    return tl::unexpected(hidden.error());
  (*open)[json::string_view(member.data(), member.size())] = *hidden;
  draft.details = json::serialize(*open);
  return {};
}

expected<std::string> open_details(const mail_draft& draft, const key_ring& ring) {
  auto open = object_of(draft.details);
  if (!open)
    return tl::unexpected(open.error());
  const auto* hidden = open->if_contains(json::string_view(member.data(), member.size()));
  if (hidden == nullptr)
    return draft.details;
  const auto* text = hidden->if_string();
  if (text == nullptr)
    return fail(problem::kind::invalid, "a mail's sealed details are no text");
  auto plain = ring.open_sealed(context_of(draft), std::string_view(text->data(), text->size()));
  if (!plain)
    return tl::unexpected(plain.error());
  auto secrets = object_of(*plain);
  if (!secrets)
    return tl::unexpected(secrets.error());
  open->erase(json::string_view(member.data(), member.size()));
  for (auto& one : *secrets)
    (*open)[one.key()] = std::move(one.value());
  return json::serialize(*open);
}

} // namespace lyceum::storage
