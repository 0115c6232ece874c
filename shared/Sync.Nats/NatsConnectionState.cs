namespace Sync.Nats;

/// <summary>Where a connection stands.</summary>
public enum NatsConnectionState
{
    /// <summary>Not started, or disposed.</summary>
    Closed,

    /// <summary>First attempt to connect.</summary>
    Connecting,

    /// <summary>Connected; subscriptions are known to the server or on their way in front of everything else.</summary>
    Open,

    /// <summary>The connection was lost (or never came about) and is being made again.</summary>
    Reconnecting,

    /// <summary>Given up: attempts used up or credentials refused twice. Publishes fail; only dispose
    /// remains.</summary>
    Failed,
}
