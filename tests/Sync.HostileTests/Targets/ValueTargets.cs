using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>The check of values: takes exactly what a second reading takes.</summary>
internal class ValueTarget : Target
{
    public override string Name => "value";

    public override Flavor Flavor => Flavor.Packed;

    public override int Weight => 40;

    public override long AllocatedBase => 1 << 10;

    public override long AllocatedPerByte => 0;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of("value");

    public override string? Read(ReadOnlySpan<byte> input) => MsgPackCheck.Check(input)?.What;

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var isSound = NaivePack.Read(input, checksText: true) is { HasNoTwin: true };
        Hold(isSound || error is not null, "it took what a second reading refuses");
        Hold(!isSound || error is null, "it refused what a second reading takes");
    }
}

/// <summary>Moving past a value: its end is where a second reading has it.</summary>
internal class SkipTarget : Target
{
    private int _end;

    public override string Name => "skip";

    public override Flavor Flavor => Flavor.Packed;

    public override int Weight => 24;

    public override long AllocatedBase => 1 << 10;

    public override long AllocatedPerByte => 0;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of("value").Concat(Vectors.Of("envelope"));

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var reader = new MsgPackReader(input);
        var isSkipped = reader.TrySkip();
        _end = reader.Offset;
        return isSkipped ? null : reader.Error.What ?? "no error was told";
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is null) Hold(NaivePack.Read(input[.._end], checksText: false) is not null, "it ended elsewhere");
        else Hold(NaivePack.Read(input, checksText: false) is null, "it refused what a second reading takes");
    }
}

/// <summary>MessagePack to JSON: exactly the values that JSON has words for, and the same value afterwards.</summary>
internal sealed class ToJsonTarget : Target
{
    private byte[]? _json;

    public override string Name => "to-json";

    public override Flavor Flavor => Flavor.Packed;

    public override int Weight => 24;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of("value").Concat(
        Vectors.Of("json").Select(json => JsonTranscoder.ToMsgPack(json, out _)).OfType<byte[]>());

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _json = JsonTranscoder.ToJson(input, out var error);
        return _json is null ? error.Fault + error.Message : null;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var node = NaivePack.Read(input, checksText: true);
        var isGood = node is { HasNoTwin: true, IsJson: true };
        Hold(isGood || error is not null, "it took what has no words in JSON");
        Hold(!isGood || error is null, "it refused what JSON has words for");
        if (error is not null) return;
        Hold(NaiveJson.Read(_json) is { } read && Node.Same(read, node!), "the JSON says another value");
        var back = JsonTranscoder.ToMsgPack(_json, out _);
        Hold(back is not null && Node.Same(NaivePack.Read(back, checksText: true)!, node!), "it does not come back");
    }
}

/// <summary>JSON to MessagePack: exactly what a second reading takes, the same value, in canonical bytes.</summary>
internal sealed class FromJsonTarget : Target
{
    private byte[]? _packed;

    public override string Name => "json";

    public override int Weight => 6;

    public override long AllocatedBase => 96 << 10;

    public override IEnumerable<byte[]> Seeds() => Vectors.Of("json");

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _packed = JsonTranscoder.ToMsgPack(input, out var error);
        return _packed is null ? error.Fault + error.Message : null;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var node = NaiveJson.Read(input);
        Hold(node is not null || error is not null, "it took what a second reading refuses");
        Hold(node is null || error is null, "it refused what a second reading takes");
        if (error is not null) return;
        var packed = NaivePack.Read(_packed, checksText: true);
        Hold(packed is not null && Node.Same(packed, node!), "the bytes say another value");
        var json = JsonTranscoder.ToJson(_packed, out _);
        Hold(json is not null && JsonTranscoder.ToMsgPack(json, out _)!.AsSpan().SequenceEqual(_packed), "the bytes are not canonical");
    }
}
