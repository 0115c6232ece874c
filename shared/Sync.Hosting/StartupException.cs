namespace Sync.Hosting;

/// <summary>The process cannot start, or not go on, and a person must change something. The message is the one line
/// that is shown: what is wrong, where, and what is allowed. Never carries a secret.</summary>
public sealed class StartupException : Exception
{
    /// <summary>Says what to change.</summary>
    /// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
    /// <param name="message">One line.</param>
    /// <param name="inner">What it came from; not shown.</param>
    public StartupException(int exitCode, string message, Exception? inner = null) : base(message, inner) =>
        ExitCode = exitCode;

    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; }
}

/// <summary>Exit codes of services, after the values of sysexits.</summary>
public static class ExitCodes
{
    /// <summary>Stopped because it was asked to.</summary>
    public const int Ok = 0;

    /// <summary>Something that is needed is not there: a listening address is taken.</summary>
    public const int Unavailable = 69;

    /// <summary>A defect: an exception that nobody expected.</summary>
    public const int Software = 70;

    /// <summary>A setting is wrong.</summary>
    public const int Configuration = 78;
}
