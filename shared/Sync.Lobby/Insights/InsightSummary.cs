using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary>What a summary was made from: enough to make it again and compare.</summary>
/// <param name="Vault">The shard vault.</param>
/// <param name="Collection">The source collection.</param>
/// <param name="At">Feed, history and position: the summary is the fold of the facts 1 to that position. It is also the
/// one durable mark of how far the shard is derived: there is no cursor beside it that could be ahead of it.</param>
/// <param name="Derivation">Name of the derivation.</param>
/// <param name="Version">Its version.</param>
/// <param name="Time">When it was derived, by the deriving process's clock.</param>
/// <param name="Records">How many live records it was made from.</param>
public sealed record Provenance(
    string Vault, string Collection, FeedPosition At, string Derivation, string Version, Timestamp Time, long Records)
{
    /// <summary>True when both were made by the same rule from the same source of the same history: their positions
    /// compare.</summary>
    public bool IsComparable(Provenance other) =>
        Vault == other.Vault && Collection == other.Collection && Derivation == other.Derivation && Version == other.Version
        && At.Feed == other.At.Feed && At.History == other.At.History;
}

/// <summary>The record in an Insight vault: the map <c>{summary, provenance}</c> (docs/PROTOCOL.md, Insight).</summary>
/// <param name="Summary">One MessagePack map, as the derivation made it.</param>
/// <param name="Provenance">What it was made from.</param>
public sealed record InsightSummary(ReadOnlyMemory<byte> Summary, Provenance Provenance)
{
    /// <summary>The record's value.</summary>
    public byte[] ToValue()
    {
        var bytes = new ArrayBufferWriter<byte>(Summary.Length + 512);
        var writer = new MsgPackWriter(bytes);
        writer.WriteMapHeader(2);
        writer.WriteString("summary"u8);
        writer.WriteRaw(Summary.Span);
        writer.WriteString("provenance"u8);
        writer.WriteMapHeader(9);
        Text(ref writer, "vault"u8, Provenance.Vault);
        Text(ref writer, "collection"u8, Provenance.Collection);
        Number(ref writer, "feed"u8, Provenance.At.Feed.Value);
        Number(ref writer, "history"u8, Provenance.At.History.Value);
        Number(ref writer, "position"u8, Provenance.At.Position.Value);
        Text(ref writer, "derivation"u8, Provenance.Derivation);
        Text(ref writer, "version"u8, Provenance.Version);
        Text(ref writer, "time"u8, Provenance.Time.ToString());
        Number(ref writer, "records"u8, Provenance.Records);
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Reads a record's value; null when it is no summary, which is then made again.</summary>
    public static InsightSummary? TryRead(ReadOnlyMemory<byte> value)
    {
        var reader = new MsgPackReader(value.Span);
        if (!reader.TryReadMapHeader(out var members)) return null;
        ReadOnlyMemory<byte>? summary = null;
        Provenance? provenance = null;
        for (; members > 0 && reader.TryReadStringBytes(out var name); members--)
        {
            if (name.SequenceEqual("provenance"u8)) provenance = ReadProvenance(ref reader);
            else
            {
                var isSummary = name.SequenceEqual("summary"u8);
                var start = reader.Offset;
                if (reader.TrySkip() && isSummary) summary = value[start..reader.Offset];
            }
        }
        return reader.TryEnd() && summary is { } found && provenance is not null ? new InsightSummary(found, provenance) : null;
    }

    private static Provenance? ReadProvenance(ref MsgPackReader reader)
    {
        if (!reader.TryReadMapHeader(out var members)) return null;
        string? vault = null, collection = null, derivation = null, version = null, time = null;
        long feed = -1, history = 0, position = -1, records = -1;
        for (; members > 0 && reader.TryReadString(out var name); members--)
        {
            _ = name switch
            {
                "vault" => reader.TryReadString(out vault),
                "collection" => reader.TryReadString(out collection),
                "derivation" => reader.TryReadString(out derivation),
                "version" => reader.TryReadString(out version),
                "feed" => reader.TryReadInt64(0, Feeds.CountMax - 1, out feed),
                "history" => reader.TryReadInt64(out history),
                "position" => reader.TryReadInt64(0, long.MaxValue, out position),
                "time" => reader.TryReadString(out time),
                "records" => reader.TryReadInt64(0, long.MaxValue, out records),
                _ => reader.TrySkip(),
            };
        }
        if (vault is null || collection is null || derivation is null || version is null || feed < 0 || position < 0 || records < 0
            || Rfc3339.TryRead(time, out var derivedAt) is not null) return null;
        var at = new FeedPosition(new FeedId((int)feed), new HistoryId(history), new Position(position));
        return new Provenance(vault, collection, at, derivation, version, derivedAt, records);
    }

    private static void Text(ref MsgPackWriter writer, ReadOnlySpan<byte> name, string value)
    {
        writer.WriteString(name);
        writer.WriteString(value);
    }

    private static void Number(ref MsgPackWriter writer, ReadOnlySpan<byte> name, long value)
    {
        writer.WriteString(name);
        writer.WriteInteger(value);
    }
}
