// SPDX-License-Identifier: Apache-2.0
// What a mail address may be, and when two are one. Pure.
#pragma once

#include "storage/model/expected.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum {

/// An address that mail can be sent to: what is left of the '@' (its quotes taken off) and a domain name.
///
/// Taken: local parts of RFC 5321 (dots between atoms, or quoted) and RFC 6531 (UTF-8); domains of letters, digits and '-' with at least
/// one dot, internationalised ones too. Not taken though some RFC allows it: comments, display names, IP addresses in brackets,
/// a domain without a dot, a quoted empty local part, and invisible characters (those that turn the direction of writing, joiners
/// of no width, unusual spaces), by which two addresses would look the same.
class mail_address {
public:
  static constexpr std::size_t octets_max = 254;      ///< RFC 5321 4.5.3.1.3, less the two angle brackets
  static constexpr std::size_t local_octets_max = 64; ///< RFC 5321 4.5.3.1.1, quotes included
  static constexpr std::size_t label_octets_max = 63; ///< RFC 1035 2.3.4, as the DNS is asked ("xn--…")
  static constexpr std::size_t domain_octets_max = 253;

  /// Reads an address as somebody typed it; spaces around it are the caller's to trim.
  ///   invalid    what is wrong, a sentence for the one who typed it; holds no octet below 0x20
  ///   too_large  over one of the limits above
  static expected<mail_address> parse(std::string_view text);

  const std::string& local() const noexcept { return local_; }
  const std::string& domain() const noexcept { return domain_; }

  /// As it goes into a mail: `ann@example.org`, and with quotes only where it needs them: `"ann b"@example.org`. Reads as the same.
  std::string text() const;

  /// The form that is unique among accounts: two addresses are one where this is the same.
  ///
  /// The domain is lower-cased (ASCII, and the letters of Latin, Greek, Cyrillic and Armenian that have a simple pair) and written as
  /// the DNS is asked, so that `BÜCHER.example` is `xn--bcher-kva.example`. The local part is lower-cased in ASCII only: RFC 5321 2.4
  /// leaves its case to the host, but no host in use gives two people addresses that differ in case, and people do not type their own
  /// the same way each time. Its dots and `+tags` stay: what they mean differs between hosts. Nothing is normalised to NFC.
  std::string folded() const;

  /// The domain as the DNS is asked: lower case, "xn--…" (RFC 3492) where it is not ASCII. For hosts without SMTPUTF8.
  std::string ascii_domain() const;

  /// True where the local part is not ASCII, so that the host must offer SMTPUTF8 (RFC 6531).
  bool needs_smtputf8() const noexcept;

  /// For logs: "a…@example.org"; "…@example.org" where the local part is one character, or begins with something unusual.
  std::string masked() const;

  bool operator==(const mail_address&) const = default;

private:
  mail_address(std::string local, std::string domain) : local_(std::move(local)), domain_(std::move(domain)) {}

  std::string local_;
  std::string domain_;
};

/// An address as an account keeps it and our mail reaches it: as typed, its domain as the DNS is asked where it is not ASCII. Nothing where our
/// mail does not reach it: quoted local parts, and those that need SMTPUTF8.
std::optional<std::string> address_for_mail(const mail_address&);

} // namespace lyceum
