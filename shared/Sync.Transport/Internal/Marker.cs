using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>A disruption's place between the messages of a mailbox. One instance per kind: putting it in allocates nothing.</summary>
internal sealed class Marker
{
    private static readonly Marker Reconnected = new(Disruption.Reconnected);
    private static readonly Marker Overflow = new(Disruption.Overflow);
    private static readonly Marker Undecodable = new(Disruption.Undecodable);

    private Marker(Disruption disruption) => Disruption = disruption;

    public Disruption Disruption { get; }

    public static Marker Of(Disruption disruption) => disruption switch
    {
        Disruption.Reconnected => Reconnected,
        Disruption.Overflow => Overflow,
        _ => Undecodable,
    };
}
