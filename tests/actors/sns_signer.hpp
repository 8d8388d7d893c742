// SPDX-License-Identifier: Apache-2.0
// Keys and certificates of a test's own, and messages signed as Amazon SNS signs them.
#pragma once

#include <boost/json.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lyceum::testing {

/// One RSA key with a certificate that it signed itself.
class signer {
public:
  explicit signer(const std::string& host, std::chrono::hours valid_from = std::chrono::hours(-1),
                  std::chrono::hours valid_to = std::chrono::hours(24 * 365))
      : key_(EVP_RSA_gen(2048)), made_(X509_new()) {
    X509_set_version(made_.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made_.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made_.get()), std::chrono::seconds(valid_from).count());
    X509_gmtime_adj(X509_getm_notAfter(made_.get()), std::chrono::seconds(valid_to).count());
    X509_set_pubkey(made_.get(), key_.get());
    auto* name = X509_get_subject_name(made_.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(made_.get(), name);
    add(NID_subject_alt_name, "DNS:" + host);
    add(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(made_.get(), key_.get(), EVP_sha256());
  }

  std::string certificate() const {
    return text([this](BIO* to) { PEM_write_bio_X509(to, made_.get()); });
  }
  std::string key() const {
    return text([this](BIO* to) { PEM_write_bio_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  /// In base64.
  std::string sign(const std::string& what, bool sha256) const {
    const std::unique_ptr<EVP_MD_CTX, free_with> context(EVP_MD_CTX_new());
    EVP_DigestSignInit(context.get(), nullptr, sha256 ? EVP_sha256() : EVP_sha1(), nullptr, key_.get());
    const auto* octets = reinterpret_cast<const unsigned char*>(what.data());
    std::size_t size = 0;
    EVP_DigestSign(context.get(), nullptr, &size, octets, what.size());
    std::vector<unsigned char> made(size);
    EVP_DigestSign(context.get(), made.data(), &size, octets, what.size());
    std::vector<unsigned char> encoded(4 * ((size + 2) / 3) + 1);
    const auto length = EVP_EncodeBlock(encoded.data(), made.data(), static_cast<int>(size));
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
  }

private:
  struct free_with {
    void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
    void operator()(X509* c) const { X509_free(c); }
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
    void operator()(BIO* b) const { BIO_free(b); }
  };
  template <class Write>
  static std::string text(Write write) {
    const std::unique_ptr<BIO, free_with> to(BIO_new(BIO_s_mem()));
    write(to.get());
    char* octets = nullptr;
    const auto size = BIO_get_mem_data(to.get(), &octets);
    return {octets, static_cast<std::size_t>(size)};
  }
  void add(int what, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(made_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  std::unique_ptr<EVP_PKEY, free_with> key_;
  std::unique_ptr<X509, free_with> made_;
};

/// A message of SNS, member by member; signed when it is written.
struct sns_draft {
  std::map<std::string, std::string> members{
      {"Type", "Notification"},
      {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
      {"TopicArn", "arn:aws:sns:eu-central-1:123456789012:bounces"},
      {"Message", "{}"},
      {"Timestamp", "2025-01-01T12:00:00.000Z"},
      {"SignatureVersion", "2"},
      {"SigningCertURL", "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-f3ec.pem"}};

  std::string written(const signer& by) const {
    std::string text; // a map is in the order that is signed
    for (const auto& [name, value] : members)
      if (name != "SignatureVersion" && name != "SigningCertURL" && name != "UnsubscribeURL")
        text += name + "\n" + value + "\n";
    boost::json::object all;
    for (const auto& [name, value] : members)
      all[name] = value;
    all["Signature"] = by.sign(text, members.at("SignatureVersion") == "2");
    return boost::json::serialize(all);
  }
};

inline std::string ses_bounce(const std::string& address, const std::string& type = "Permanent",
                              const std::string& names_type = "notificationType") {
  return boost::json::serialize(boost::json::object{
      {names_type, "Bounce"},
      {"bounce",
       boost::json::object{{"bounceType", type},
                           {"bounceSubType", "General"},
                           {"bouncedRecipients",
                            boost::json::array{boost::json::object{
                                {"emailAddress", address}, {"diagnosticCode", "smtp; 550 5.1.1 user unknown"}}}}}}});
}
inline std::string ses_complaint(const std::string& address, const std::string& kind = "abuse") {
  return boost::json::serialize(boost::json::object{
      {"eventType", "Complaint"},
      {"complaint", boost::json::object{{"complaintFeedbackType", kind},
                                        {"complainedRecipients",
                                         boost::json::array{boost::json::object{{"emailAddress", address}}}}}}});
}

} // namespace lyceum::testing
