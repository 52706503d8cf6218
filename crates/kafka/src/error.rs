//! Errors of librdkafka in the words of the bus.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use whittle_bus::{BusError, ProduceError};

use crate::settings::SettingsError;

/// A setting that was not taken; other failures at a start are of the same kind.
pub(crate) fn settings(error: &KafkaError) -> SettingsError {
    match error {
        KafkaError::ClientConfig(_, message, key, _) => SettingsError { key: key.clone(), message: message.clone() },
        other => SettingsError { key: "KAFKA_BROKERS".into(), message: other.to_string() },
    }
}

/// Something to be tried again later.
pub(crate) fn unavailable(tried: &str, error: &KafkaError) -> BusError {
    BusError::Unavailable(format!("{tried}: {}", words(error)))
}

/// What the error says, without the wrapper's names.
pub(crate) fn words(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), code_words)
}

/// The same of a code; the usual ones say what to do.
pub(crate) fn code_words(code: Code) -> String {
    let fix = match code {
        Code::AllBrokersDown | Code::BrokerTransportFailure => {
            "no broker of Kafka answers; is KAFKA_BROKERS right and are they up?"
        }
        Code::Authentication => "the brokers do not know us; look at KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
        Code::SSL => "TLS with the brokers fails; look at KAFKA_SECURITY_PROTOCOL and KAFKA_SSL_CA",
        Code::TopicAuthorizationFailed => {
            "the brokers do not let us at the topic; its access list must allow this user"
        }
        Code::GroupAuthorizationFailed => {
            "the brokers do not let us into the group; its access list must allow this user"
        }
        Code::ClusterAuthorizationFailed => {
            "the brokers do not let us do this; the cluster's access list must allow this user"
        }
        Code::OperationTimedOut | Code::RequestTimedOut => "the brokers of Kafka do not answer in time",
        other => return other.to_string(),
    };
    fix.to_owned()
}

/// Whether it says that a topic or a partition is not there.
pub(crate) fn is_unknown(code: Code) -> bool {
    use Code::{InvalidTopic, UnknownPartition, UnknownTopic, UnknownTopicId, UnknownTopicOrPartition};
    matches!(code, InvalidTopic | UnknownPartition | UnknownTopic | UnknownTopicId | UnknownTopicOrPartition)
}

/// Whether it says that a partition has no leader at the moment, or another one.
pub(crate) fn is_leaderless(code: Code) -> bool {
    matches!(code, Code::LeaderNotAvailable | Code::NotLeaderForPartition | Code::UnknownTopicOrPartition)
}

/// Whether it says that this member is not the one any more that may commit.
pub(crate) fn is_fenced(code: Code) -> bool {
    use Code::{
        AssignmentLost, FencedInstanceId, FencedMemberEpoch, IllegalGeneration, PollExceeded, RebalanceInProgress,
        StaleMemberEpoch, UnknownMemberId,
    };
    matches!(
        code,
        AssignmentLost
            | FencedInstanceId
            | FencedMemberEpoch
            | IllegalGeneration
            | PollExceeded
            | RebalanceInProgress
            | StaleMemberEpoch
            | UnknownMemberId
    )
}

/// Whether it says that the brokers do not speak the new protocol of groups.
pub(crate) fn is_unsupported(code: Code) -> bool {
    matches!(code, Code::UnsupportedFeature | Code::UnsupportedVersion)
}

/// Why an entry was not taken, or what became of it; `most` is what one may have.
pub(crate) fn produce(error: &KafkaError, most: usize) -> ProduceError {
    match error.rdkafka_error_code() {
        Some(Code::QueueFull) => ProduceError::Busy,
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => ProduceError::TooLarge(most),
        Some(Code::PurgeQueue | Code::PurgeInflight) => {
            ProduceError::Unavailable("it was given up; whether it has arrived is unknown".into())
        }
        _ => ProduceError::Unavailable(words(error)),
    }
}
