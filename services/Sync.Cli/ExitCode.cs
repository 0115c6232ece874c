namespace Sync.Cli;

/// <summary>What the command's exit says to a script.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Wrong = 1;
    public const int BadCall = 2;
    public const int Unreachable = 3;
    public const int Interrupted = 130;
}
