using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.MessagePack;
using Sync.Tests.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>Envelopes: every field as a second reading has it.</summary>
internal sealed class EnvelopeTarget() : MessageTarget("envelope")
{
    public override int Weight => 24;

    protected override void Compare(Node node, ReadOnlySpan<byte> input)
    {
        var envelope = EnvelopeCodec.Default.Decode(input, Samples.Key).Value;
        Hold(node["sequence"]?.Number == envelope.Sequence.Value, "another sequence");
        Hold(Text(node["vault"]) == envelope.Key.Vault, "another vault");
        Hold(Text(node["collection"]) == envelope.Key.Collection, "another collection");
        Hold(Text(node["key"]) == envelope.Key.Key, "another key");
        Hold(Text(node["producer"]) == envelope.Producer, "another producer");
        Hold(Text(node["schema_version"]) == envelope.SchemaVersion.Text, "another schema version");
        Hold((node["feed"]?.Number ?? 0) == envelope.Feed.Value, "another feed");
        Hold((node["position"]?.Number ?? 0) == envelope.Position.Value, "another position");
        Hold((node["history"]?.Number ?? 0) == envelope.History.Value, "another history");
        Hold((node["after"]?.Number ?? 0) == envelope.After.Value, "another after");
        Hold(node["hash"] is not { } hash || envelope.Hash.ToArray().AsSpan().SequenceEqual(hash.Bytes), "another hash");
        var value = NaivePack.Read(envelope.Value.Span, checksText: false);
        Hold(value is not null && Node.Same(value, node["value"]!), "another value");
        Hold((node["op"] is { } op ? op.AsText : "put") == OpOf(envelope.Op), "another op");
        Hold(EnvelopePeek.TryRead(input, out var peek), "a look refuses what the codec takes");
        Hold(peek.Sequence == envelope.Sequence && peek.Position == envelope.Position && peek.Feed == envelope.Feed
            && peek.History == envelope.History, "a look sees another place");
        Hold(!HasAllNames(envelope.Key) || peek.Names(envelope.Key), "a look sees another key");
    }

    public static string OpOf(ChangeOp op) => op switch { ChangeOp.Put => "put", ChangeOp.Delete => "delete", _ => "append" };

    private static bool HasAllNames(SyncedKey key) => key is { Vault: not null, Collection: not null, Key: not null };

    private static string? Text(Node? node) => node is null || node.Kind == Kind.Nil ? null : node.AsText;
}

/// <summary>The look at an envelope before it is decoded: it refuses nothing that the codec takes.</summary>
internal sealed class PeekTarget : Target
{
    public override string Name => "peek";

    public override Flavor Flavor => Flavor.Packed;

    public override long AllocatedBase => 1 << 10;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of("peek");

    public override string? Read(ReadOnlySpan<byte> input) => Codecs.Decode("peek", input);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) Hold(!EnvelopeCodec.Default.Decode(input).IsOk, "a look refuses what the codec takes");
    }
}

/// <summary>Envelopes and beats as JSON.</summary>
internal sealed class JsonMessageTarget(string message) : Target
{
    // Two more levels than a value: the envelope's own.
    private const int DepthMax = NaiveJson.DepthMax + 2;

    public override string Name => message;

    public override int Weight => 3;

    // A refusal is an exception of the reader with its trace.
    public override long AllocatedBase => 96 << 10;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of(message);

    public override string? Read(ReadOnlySpan<byte> input) => Codecs.Decode(message, input);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var node = NaiveJson.ReadLoosely(input, DepthMax);
        Hold(node is { Kind: Kind.Map }, "it took what is no object");
        Hold(HasOwnNames(node!), "it took a member twice");
        if (node!["sequence"] is { } sequence && message == "json-envelope")
            Hold(sequence.Number == JsonEnvelopeCodec.Default.Decode(input).Value.Sequence.Value, "another sequence");
        var written = Codecs.EncodeAgain(message, input.ToArray());
        Hold(Codecs.Decode(message, written) is null, "it does not take what it writes");
        Hold(Codecs.EncodeAgain(message, written).AsSpan().SequenceEqual(written), "it does not write as it was read");
    }

    private static bool HasOwnNames(Node map)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < map.Items.Count; index += 2)
            if (!seen.Add(map.Items[index].Identity)) return false;
        return true;
    }
}
