namespace Sync.MessagePack;

/// <summary>Bounds of one value, held by everything that takes values in. Immutable.</summary>
public sealed record MsgPackLimits
{
    /// <summary>The bounds of the protocol (docs/PROTOCOL.md).</summary>
    public static readonly MsgPackLimits Default = new();

    /// <summary>Deepest nesting of arrays and maps; a scalar has depth 0. 1 to <see cref="MsgPackReader.DepthMax"/>, default 64.</summary>
    public int DepthMax { get; init; } = MsgPackReader.DepthMax;

    /// <summary>Most values in total, each element, key and value counted. Default 1,000,000.</summary>
    public int ItemsMax { get; init; } = 1_000_000;

    /// <summary>Most map keys held at one time while looking for duplicates (the maps that are open). Default 100,000:
    /// 2.4 MB of pooled memory.</summary>
    public int MapKeysMax { get; init; } = 100_000;
}
