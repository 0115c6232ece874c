using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>What a publisher does next.</summary>
public enum PublishKind
{
    /// <summary>Nothing before <see cref="PublishStep.WakeAt"/>, unless there is another input.</summary>
    Wait,

    /// <summary>Hand <see cref="PublishStep.Fact"/> to the connection.</summary>
    Envelope,

    /// <summary>Hand <see cref="PublishStep.Beat"/> to the connection.</summary>
    Beat,

    /// <summary>Flush; answer with <see cref="PublisherCore.FlushReturned"/>. May overlap further steps.</summary>
    Flush,

    /// <summary>Read facts behind <see cref="PublishStep.After"/>; answer with
    /// <see cref="PublisherCore.ReadReturned"/>. May overlap further steps.</summary>
    Read,
}

/// <summary>One effect of a publisher.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Fact">For an envelope.</param>
/// <param name="Beat">For a beat.</param>
/// <param name="After">For a read.</param>
/// <param name="Token">For a flush or a read: hand it back with the answer.</param>
/// <param name="WakeAt">For a wait: when to ask again, on the steady clock.</param>
public readonly record struct PublishStep(
    PublishKind Kind, Fact? Fact = null, Beat? Beat = null, Position After = default, long Token = 0,
    TimeSpan WakeAt = default);
