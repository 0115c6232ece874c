using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Tests.MessagePack;

/// <summary>Every decoder and encoder by the name that the vectors give it.</summary>
internal static class Codecs
{
    /// <summary>All messages that there are.</summary>
    public static readonly string[] Messages =
    [
        "envelope", "beat", "json-envelope", "json-beat", "write-command", "append-command", "forwarded-writes", "write-result", "write-results", "getmany",
        "getmany-group", "answer", "group-answer", "snapshot-request", "snapshot-page", "changes-request", "changes-page",
        "vaults-request", "vaults-page", "history-request", "history-page", "fact", "value", "json", "peek",
    ];

    private static readonly EnvelopeCodec Packed = new();
    private static readonly SyncedKey Key = Samples.Key;

    /// <summary>Null when the bytes were taken, else the error.</summary>
    public static string? Decode(string message, ReadOnlySpan<byte> bytes) => message switch
    {
        "envelope" => Packed.Decode(bytes, Key).Error,
        "beat" => Packed.DecodeBeat(bytes).Error,
        "json-envelope" => JsonEnvelopeCodec.Default.Decode(bytes).Error,
        "json-beat" => JsonEnvelopeCodec.Default.DecodeBeat(bytes).Error,
        "write-command" => WriteCommandCodec.Decode(bytes, Key).Error,
        "append-command" => WriteCommandCodec.DecodeAppend(bytes, Key.Vault, Key.Collection).Error,
        "forwarded-writes" => ForwardedWritesCodec.Decode(bytes).Error,
        "write-result" => WriteResultCodec.Decode(bytes).Error,
        "write-results" => WriteResultCodec.DecodeMany(bytes).Error,
        "getmany" => GetManyCodec.Decode(bytes).Error,
        "getmany-group" => GetManyCodec.DecodeGroup(bytes).Error,
        "answer" => EnvelopeAnswerCodec.Decode(bytes).Error,
        "group-answer" => GroupAnswerCodec.Decode(bytes).Error,
        "snapshot-request" => SnapshotCodec.DecodeRequest(bytes).Error,
        "snapshot-page" => SnapshotCodec.DecodePage(bytes).Error,
        "changes-request" => ChangesCodec.DecodeRequest(bytes).Error,
        "changes-page" => ChangesCodec.DecodePage(bytes).Error,
        "vaults-request" => VaultsCodec.DecodeRequest(bytes).Error,
        "vaults-page" => VaultsCodec.DecodePage(bytes).Error,
        "history-request" => HistoryCodec.DecodeRequest(bytes).Error,
        "history-page" => HistoryCodec.DecodePage(bytes).Error,
        "fact" => FactCodec.Decode(bytes).Error,
        "value" => MsgPackCheck.Check(bytes)?.ToString() ?? ToJson(bytes),
        "json" => JsonTranscoder.ToMsgPack(bytes, out var error) is null ? error.Message : null,
        "peek" => EnvelopePeek.TryRead(bytes, out _) ? null : "no envelope",
        _ => throw new InvalidOperationException($"There is no message '{message}'."),
    };

    /// <summary>What our writer makes of bytes that were taken.</summary>
    public static byte[] EncodeAgain(string message, byte[] bytes) => Samples.Bytes(to =>
    {
        switch (message)
        {
            case "envelope": Packed.Encode(Packed.Decode(bytes).Value, to); break;
            case "beat": Packed.Encode(Packed.DecodeBeat(bytes).Value, to); break;
            case "json-envelope": JsonEnvelopeCodec.Default.Encode(JsonEnvelopeCodec.Default.Decode(bytes).Value, to); break;
            case "json-beat": JsonEnvelopeCodec.Default.Encode(JsonEnvelopeCodec.Default.DecodeBeat(bytes).Value, to); break;
            case "write-command": WriteCommandCodec.Encode(WriteCommandCodec.Decode(bytes, Key).Value, to); break;
            case "append-command":
                WriteCommandCodec.EncodeAppend(WriteCommandCodec.DecodeAppend(bytes, Key.Vault, Key.Collection).Value, to);
                break;
            case "forwarded-writes": ForwardedWritesCodec.Encode(ForwardedWritesCodec.Decode(bytes).Value, to); break;
            case "write-result": WriteResultCodec.Encode(WriteResultCodec.Decode(bytes).Value, to); break;
            case "write-results": WriteResultCodec.EncodeMany(WriteResultCodec.DecodeMany(bytes).Value, to); break;
            case "getmany": GetManyCodec.Encode(GetManyCodec.Decode(bytes).Value, to); break;
            case "getmany-group": GetManyCodec.EncodeGroup(GetManyCodec.DecodeGroup(bytes).Value, to); break;
            case "answer": EnvelopeAnswerCodec.Encode(EnvelopeAnswerCodec.Decode(bytes).Value, to); break;
            case "group-answer": GroupAnswerCodec.Encode(GroupAnswerCodec.Decode(bytes).Value, to); break;
            case "snapshot-request": SnapshotCodec.Encode(SnapshotCodec.DecodeRequest(bytes).Value, to); break;
            case "snapshot-page": to.Write(SnapshotCodec.Encode(SnapshotCodec.DecodePage(bytes).Value)); break;
            case "changes-request": ChangesCodec.Encode(ChangesCodec.DecodeRequest(bytes).Value, to); break;
            case "changes-page": to.Write(ChangesCodec.Encode(ChangesCodec.DecodePage(bytes).Value)); break;
            case "vaults-request": VaultsCodec.Encode(VaultsCodec.DecodeRequest(bytes).Value, to); break;
            case "vaults-page": VaultsCodec.Encode(VaultsCodec.DecodePage(bytes).Value, to); break;
            case "history-request": HistoryCodec.Encode(HistoryCodec.DecodeRequest(bytes).Value, to); break;
            case "history-page": HistoryCodec.Encode(HistoryCodec.DecodePage(bytes).Value, to); break;
            case "fact": FactCodec.Encode(FactCodec.Decode(bytes).Value, to); break;
            default: throw new InvalidOperationException($"'{message}' is not written.");
        }
    });

    // A sound value is JSON, or says why it is not.
    private static string? ToJson(ReadOnlySpan<byte> bytes) =>
        JsonTranscoder.ToJson(bytes, out var error) is null && error.Fault != TranscodeFault.NotJson ? $"sound, but {error}" : null;
}
